// Where clients are pointed at: the catalogue's base URL alone, or those of all packages.
import { Anchor, Button, Code, CopyButton, Group, Modal, Stack, Table, Text } from "@mantine/core";
import { BASES, type Draft, type PackageName, TOKEN_HEADERS, asCurl } from "../api/call";

interface Dialogue {
  opened: boolean;
  close: () => void;
}

/** Host name and base path, without a scheme: calls are written `https://<API base URL>/workspaces`. */
const withoutScheme = (name: PackageName) => window.location.host + BASES[name];
const whole = (name: PackageName) => window.location.origin + BASES[name];

function Copy({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" onClick={copy} aria-label={copied ? `Copied ${what}` : `Copy ${what}`}>
          {copied ? "Copied" : "Copy"}
        </Button>
      )}
    </CopyButton>
  );
}

export function DataGalaxyApi({ opened, close }: Dialogue) {
  return (
    <Modal opened={opened} onClose={close} size="lg" title="DataGalaxy API" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">Scripts and clients of the catalogue call this server at its API base URL:</Text>
        <Group justify="center" p="md">
          <Text fw={600}>API base URL</Text>
          <Code fz="md" role="group" aria-label="API base URL">
            {withoutScheme("catalog")}
          </Code>
          <Copy value={withoutScheme("catalog")} what="the API base URL" />
        </Group>
        <Text size="sm">
          Host name and base path, without the scheme. A call is written {window.location.protocol}//&lt;API base URL&gt;/workspaces and
          carries <Code>{TOKEN_HEADERS.catalog}</Code>.
        </Text>
        <Anchor href="/docs/catalog">Read the API reference</Anchor>
      </Stack>
    </Modal>
  );
}

const FIRST: Record<PackageName, Draft> = {
  catalog: { method: "GET", to: "catalog", path: "/workspaces" },
  ingest: { method: "GET", to: "ingest", path: "/inputs/" },
  semantic: { method: "GET", to: "semantic", path: "/timbr/api/get_ontologies/" },
  vault: { method: "GET", to: "vault", path: "/me" },
  production: { method: "GET", to: "production", path: "/data/projects" },
  identity: { method: "GET", to: "identity", path: "/me" },
};

export function AllApis({ opened, close }: Dialogue) {
  return (
    <Modal opened={opened} onClose={close} size="90%" title="All APIs" closeButtonProps={{ "aria-label": "Close" }}>
      <Table.ScrollContainer minWidth={900}>
        <Table verticalSpacing="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Package</Table.Th>
              <Table.Th>API base URL</Table.Th>
              <Table.Th>Whole URL</Table.Th>
              <Table.Th>Header to send</Table.Th>
              <Table.Th>First call</Table.Th>
              <Table.Th>Reference</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(Object.keys(FIRST) as PackageName[]).map((name) => (
              <Table.Tr key={name}>
                <Table.Th scope="row">{name}</Table.Th>
                <Table.Td>
                  <Code>{withoutScheme(name)}</Code> <Copy value={withoutScheme(name)} what={`the base URL of ${name}`} />
                </Table.Td>
                <Table.Td>
                  <Code>{whole(name)}</Code> <Copy value={whole(name)} what={`the whole URL of ${name}`} />
                </Table.Td>
                <Table.Td>
                  <Code>{TOKEN_HEADERS[name]}</Code>
                </Table.Td>
                <Table.Td>
                  <Copy value={asCurl(FIRST[name])} what={`the first call of ${name} as curl`} />
                </Table.Td>
                <Table.Td>
                  <Anchor href={`/docs/${name}`}>
                    /docs/{name}
                  </Anchor>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Modal>
  );
}
