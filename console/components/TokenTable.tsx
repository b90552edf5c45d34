// A list of tokens with what may be shown of them, and their revocation.
import { ActionIcon, Badge, Button, Group, Modal, Stack, Table, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Draft, call } from "../api/call";
import { Failed } from "./Failed";
import { ShowCall } from "./ShowCall";
import { Time } from "./times";

export interface TokenRow {
  id: string;
  name: string;
  description: string;
  prefix: string | null;
  scopes: string[];
  adminAccess: boolean;
  owner: string;
  createdBy: string;
  createdAt: string | null;
  lastUsedAt: string | null;
  expiresAt: string | null;
  revokedAt: string | null;
  kind: string;
}

interface Props {
  rows: TokenRow[];
  label: string;
  /** Columns beside name and times. */
  shows: ("kind" | "adminAccess" | "owner" | "scopes")[];
  remove: (row: TokenRow) => Draft;
  changed: () => unknown;
  /** The word of the act; ingest's page says "Delete". */
  verb: "Revoke" | "Delete";
}

const state = (row: TokenRow) =>
  row.revokedAt ? "revoked" : row.expiresAt && new Date(row.expiresAt) < new Date() ? "expired" : "active";

export function TokenTable({ rows, label, shows, remove, changed, verb }: Props) {
  const [asked, setAsked] = useState<TokenRow | null>(null);
  const send = useMutation({
    mutationFn: (row: TokenRow) => call(remove(row)),
    onSuccess: () => {
      setAsked(null);
      return changed();
    },
  });
  const leave = () => {
    send.reset();
    setAsked(null);
  };
  return (
    <>
      <Table.ScrollContainer minWidth={820}>
        <Table aria-label={label} verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Name</Table.Th>
              {shows.includes("kind") ? <Table.Th>Kind</Table.Th> : null}
              {shows.includes("owner") ? <Table.Th>Owner</Table.Th> : null}
              <Table.Th>Begins with</Table.Th>
              {shows.includes("adminAccess") ? <Table.Th>Admin Access</Table.Th> : null}
              {shows.includes("scopes") ? <Table.Th>Scopes</Table.Th> : null}
              <Table.Th>Created</Table.Th>
              <Table.Th>Last used</Table.Th>
              <Table.Th>Expires</Table.Th>
              <Table.Th>State</Table.Th>
              <Table.Th>
                <Text span size="sm">
                  Acts
                </Text>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.id}>
                <Table.Th scope="row">
                  {row.name}
                  {row.description ? (
                    <Text size="xs" c="dimmed">
                      {row.description}
                    </Text>
                  ) : null}
                </Table.Th>
                {shows.includes("kind") ? <Table.Td>{row.kind}</Table.Td> : null}
                {shows.includes("owner") ? <Table.Td>{row.owner}</Table.Td> : null}
                <Table.Td>{row.prefix ? `${row.prefix}…` : ""}</Table.Td>
                {shows.includes("adminAccess") ? <Table.Td>{row.adminAccess ? "yes" : "no"}</Table.Td> : null}
                {shows.includes("scopes") ? <Table.Td>{row.scopes.join(", ")}</Table.Td> : null}
                <Table.Td>
                  <Time at={row.createdAt} /> {row.createdBy ? `by ${row.createdBy}` : ""}
                </Table.Td>
                <Table.Td>
                  <Time at={row.lastUsedAt} />
                </Table.Td>
                <Table.Td>
                  <Time at={row.expiresAt} />
                </Table.Td>
                <Table.Td>
                  <Badge variant="outline" miw="max-content" tt="none" color={state(row) === "active" ? "gray" : "red"}>
                    {state(row)}
                  </Badge>
                </Table.Td>
                <Table.Td>
                  <Group gap={4} wrap="nowrap">
                    {state(row) === "revoked" ? null : (
                      <ActionIcon variant="default" aria-label={`${verb} ${row.name}`} title={verb} onClick={() => setAsked(row)}>
                        <Trash />
                      </ActionIcon>
                    )}
                    <ShowCall draft={remove(row)} label={`${verb} ${row.name}`} />
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <Modal opened={asked !== null} onClose={leave} title={`${verb} token`} closeButtonProps={{ "aria-label": "Close" }}>
        {asked ? (
          <Stack>
            <Text>
              {verb} “{asked.name}”? The next request with it is refused, in every worker. This can not be undone.
            </Text>
            <Failed error={send.error} />
            <Group justify="end">
              <Button variant="default" onClick={leave}>
                Keep it
              </Button>
              <Button color="red" loading={send.isPending} onClick={() => send.mutate(asked)}>
                {verb} token
              </Button>
            </Group>
          </Stack>
        ) : null}
      </Modal>
    </>
  );
}

function Trash() {
  return (
    <svg width="16" height="16" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden="true">
      <path d="M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3" />
    </svg>
  );
}
