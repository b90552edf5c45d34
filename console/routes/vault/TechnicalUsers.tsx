// Technical users of the vault: made on the command line, shown here; and whether their tokens outlive a restart.
import { Alert, Badge, Code, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { call } from "../../api/call";
import type { Page } from "../../api/identity";
import { Listing } from "../../components/Listing";
import { useSession } from "../../components/session";
import { Time } from "../../components/times";

interface TechnicalUser {
  id: string;
  username: string;
  email: string | null;
  roles: Record<string, string>;
  isActive: boolean;
  nonExpiringToken: boolean;
  createdAt: string;
}

export function TechnicalUsers() {
  const { me } = useSession();
  const users = useQuery({
    queryKey: ["technical-users"],
    enabled: me?.isAdministrator === true,
    queryFn: () => call<Page<TechnicalUser>>({ method: "GET", to: "identity", path: "/technical-users" }),
  });
  return (
    <Stack>
      <Title order={1}>Technical users</Title>
      {me && !me.signedTokensSurviveRestart ? (
        <Alert color="yellow" title="jwt_secret is not set">
          Signed tokens end at each restart of the server. Set jwt_secret (64 characters or more) to keep them stable.
        </Alert>
      ) : null}
      <Text>A technical user is a role for a program; after its login it has an access token without an expiration. It is made on the command line:</Text>
      <Code block>
        tessera vault create-user NAME --email E --password-stdin --group dvb_operations --non-expiring-token
      </Code>
      {me?.isAdministrator ? (
        <Listing query={users} isEmpty={(page) => page.items.length === 0} empty="There is no technical user yet.">
          {(page) => (
            <Table aria-label="Technical users">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>User name</Table.Th>
                  <Table.Th>Group</Table.Th>
                  <Table.Th>Token</Table.Th>
                  <Table.Th>State</Table.Th>
                  <Table.Th>Created</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {page.items.map((user) => (
                  <Table.Tr key={user.id}>
                    <Table.Th scope="row">{user.username}</Table.Th>
                    <Table.Td>{user.roles.vault ?? "none"}</Table.Td>
                    <Table.Td>{user.nonExpiringToken ? "does not expire" : "expires"}</Table.Td>
                    <Table.Td>
                      <Badge variant="outline" color={user.isActive ? "gray" : "red"}>
                        {user.isActive ? "active" : "disabled"}
                      </Badge>
                    </Table.Td>
                    <Table.Td>
                      <Time at={user.createdAt} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          )}
        </Listing>
      ) : null}
    </Stack>
  );
}
