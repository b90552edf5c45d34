import { Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type NewTokenAnswer, listTokens, row } from "../../api/tokens";
import { Listing } from "../../components/Listing";
import { NewToken } from "../../components/NewToken";
import { TokenTable } from "../../components/TokenTable";

export function MyTokens() {
  const tokens = useQuery({ queryKey: ["tokens", "mine"], queryFn: () => listTokens("") });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>API tokens</Title>
        <NewToken<NewTokenAnswer>
          open="New token"
          send="Create token"
          title="New personal token"
          to="identity"
          asks={["description"]}
          draft={(form) => ({
            method: "POST",
            to: "identity",
            path: "/tokens",
            body: { kind: "personal", name: form.name, description: form.description },
          })}
          secretOf={(answer) => answer.token}
          changed={tokens.refetch}
        />
      </Group>
      <Text size="sm">Tokens that act as you, in every package in which you have a role. Each is shown once, when it is made.</Text>
      <Listing
        query={tokens}
        isEmpty={(page) => page.items.length === 0}
        empty="You have no token yet. “New token” makes one for a script or a client."
      >
        {(page) => (
          <TokenTable
            label="My tokens"
            rows={page.items.map(row)}
            shows={["kind", "scopes"]}
            verb="Revoke"
            remove={(one) => ({ method: "DELETE", to: "identity", path: `/tokens/${one.id}` })}
            changed={tokens.refetch}
          />
        )}
      </Listing>
    </Stack>
  );
}
