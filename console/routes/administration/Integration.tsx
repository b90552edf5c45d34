// Integration tokens: for the whole installation, independent of any person's rights.
import { Group, Stack, Tabs, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type NewTokenAnswer, listTokens, row } from "../../api/tokens";
import { Listing } from "../../components/Listing";
import { NewToken } from "../../components/NewToken";
import { TokenTable } from "../../components/TokenTable";

export function Integration() {
  const { tab } = useSearch({ from: "/administration/integration" });
  const go = useNavigate();
  return (
    <Stack>
      <Title order={1}>Integration</Title>
      <Tabs
        value={tab ?? "access"}
        onChange={(value) => go({ to: "/administration/integration", search: value === "tokens" ? { tab: value } : {} })}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="access">Access</Tabs.Tab>
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="access" pt="md">
          <Text size="sm">
            Programs that are no person sign in with an integration token (tab “Tokens”). Its value goes into the header “Authorization: Bearer”
            of each call; “DataGalaxy API” in the profile menu shows the base URL.
          </Text>
        </Tabs.Panel>
        <Tabs.Panel value="tokens" pt="md">
          <Tokens />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Tokens() {
  const tokens = useQuery({ queryKey: ["tokens", "integration"], queryFn: () => listTokens("?all=true&kind=integration") });
  return (
    <Stack>
      <Group justify="space-between">
        <Text size="sm">A token here is scoped to the whole installation and does not depend on a person.</Text>
        <NewToken<NewTokenAnswer>
          open="+ Create"
          send="Save"
          title="New integration token"
          to="catalog"
          asks={["adminAccess"]}
          nameHint="A descriptive name, to identify it later."
          draft={(form) => ({
            method: "POST",
            to: "identity",
            path: "/tokens",
            body: { kind: "integration", name: form.name, adminAccess: form.adminAccess },
          })}
          secretOf={(answer) => answer.token}
          changed={tokens.refetch}
        />
      </Group>
      <Listing query={tokens} isEmpty={(page) => page.items.length === 0} empty="There is no integration token yet. “+ Create” makes one.">
        {(page) => (
          <TokenTable
            label="Integration tokens"
            rows={page.items.map(row)}
            shows={["adminAccess"]}
            verb="Revoke"
            remove={(one) => ({ method: "DELETE", to: "identity", path: `/tokens/${one.id}` })}
            changed={tokens.refetch}
          />
        )}
      </Listing>
    </Stack>
  );
}
