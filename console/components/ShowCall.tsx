// "Show me the call": what a button would send, as a script would send it.
import { ActionIcon, Button, Code, CopyButton, Group, Modal, Stack, Tabs, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { BASES, type Draft, TOKEN_HEADERS, asCurl, masked } from "../api/call";

export function ShowCall({ draft, label }: { draft: Draft; label: string }) {
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <>
      <ActionIcon variant="default" size="md" aria-label={`Show the call of: ${label}`} title="Show me the call" onClick={open}>
        …
      </ActionIcon>
      <Modal opened={opened} onClose={close} size="xl" title={`The call of: ${label}`} closeButtonProps={{ "aria-label": "Close" }}>
        <CallText draft={draft} />
      </Modal>
    </>
  );
}

/** A call as curl, as JSON and as Python. */
export function CallText({ draft }: { draft: Draft }) {
  const shown = { ...draft, body: masked(draft.body) };
  const forms: Record<string, string> = {
    curl: asCurl(shown),
    JSON: JSON.stringify({ method: shown.method, url: BASES[shown.to] + shown.path, body: shown.body ?? null }, null, 2),
    Python: asPython(shown),
  };
  return (
    <Tabs defaultValue="curl" keepMounted={false}>
      <Tabs.List>
        {Object.keys(forms).map((name) => (
          <Tabs.Tab key={name} value={name}>
            {name}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {Object.entries(forms).map(([name, text]) => (
        <Tabs.Panel key={name} value={name} pt="sm">
          <Stack gap="xs">
            <Code block role="group" tabIndex={0} aria-label={`Call as ${name}`}>
              {text}
            </Code>
            <Group justify="space-between">
              <Text size="xs">The token stands as $TESSERA_TOKEN: put yours there.</Text>
              <CopyButton value={text}>
                {({ copied, copy }) => (
                  <Button size="compact-sm" variant="default" onClick={copy}>
                    {copied ? "Copied" : "Copy"}
                  </Button>
                )}
              </CopyButton>
            </Group>
          </Stack>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

function asPython(draft: Draft): string {
  const [name, value] = TOKEN_HEADERS[draft.to].split(": ") as [string, string];
  const header = value.startsWith("Bearer") ? 'f"Bearer {token}"' : "token";
  const body = draft.body === undefined ? "" : `,\n    json=json.loads(r'''${JSON.stringify(draft.body)}''')`;
  return [
    "import json, os, urllib.request",
    "",
    'token = os.environ["TESSERA_TOKEN"]',
    "import httpx",
    `answer = httpx.request(\n    "${draft.method}", "${window.location.origin}${BASES[draft.to]}${draft.path}",\n    headers={"${name}": ${header}}${body},\n)`,
    "answer.raise_for_status()",
    "print(answer.json())",
  ]
    .filter((line) => !line.startsWith("import json, os"))
    .join("\n")
    .replace(/^/, "import json, os\n");
}
