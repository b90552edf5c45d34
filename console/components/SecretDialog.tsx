// Shows a secret once. It lives in this dialogue alone: not in an address, not in storage, not in the calls.
import { Alert, Button, Code, CopyButton, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { BASES, type PackageName, TOKEN_HEADERS } from "../api/call";

interface Secret {
  name: string;
  value: string;
}

export function SecretDialog({ secret, to, close }: { secret: Secret | null; to: PackageName; close: () => void }) {
  return (
    <Modal
      opened={secret !== null}
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title="Your new token"
    >
      {secret ? <Once secret={secret} to={to} close={close} /> : null}
    </Modal>
  );
}

function Once({ secret, to, close }: { secret: Secret; to: PackageName; close: () => void }) {
  const [kept, setKept] = useState(false);
  const [asked, setAsked] = useState(false);
  return (
    <Stack>
      <Alert color="yellow" variant="light" title="Save it somewhere safe">
        After closing this window, you will not be able to see this token again.
      </Alert>
      <Code block role="group" tabIndex={0} aria-label="Token">
        {secret.value}
      </Code>
      <Group>
        <CopyButton value={secret.value}>
          {({ copied, copy }) => (
            <Button
              onClick={() => {
                copy();
                setKept(true);
              }}
            >
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button
          variant="default"
          onClick={() => {
            download(secret, to);
            setKept(true);
          }}
        >
          Download
        </Button>
        <Button
          variant="default"
          ml="auto"
          color={asked && !kept ? "red" : "gray"}
          onClick={() => (kept || asked ? close() : setAsked(true))}
        >
          Close
        </Button>
      </Group>
      <Text size="sm" aria-live="polite">
        {asked && !kept ? "You have neither copied nor downloaded it. Press Close again to lose it." : ""}
      </Text>
    </Stack>
  );
}

/** `tessera-<name>.txt`: the token, the base URLs and one curl line. */
function download(secret: Secret, to: PackageName) {
  const base = window.location.origin;
  const header = TOKEN_HEADERS[to].replace("$TESSERA_TOKEN", secret.value);
  const text = [
    `Token "${secret.name}":`,
    secret.value,
    "",
    "Base URLs:",
    ...Object.entries(BASES).map(([name, path]) => `  ${name.padEnd(10)} ${base}${path}`),
    "",
    `curl --header '${header}' ${base}${BASES[to]}/`,
    "",
  ].join("\n");
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = `tessera-${secret.name.replace(/[^\w.-]+/g, "-").slice(0, 80)}.txt`;
  anchor.click();
  URL.revokeObjectURL(address);
}
