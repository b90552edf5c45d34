// Ingest's own page of tokens, through ingest's own routes.
import { Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { call } from "../../api/call";
import { Listing } from "../../components/Listing";
import { NewToken } from "../../components/NewToken";
import { TokenTable, type TokenRow } from "../../components/TokenTable";

interface ApiToken {
  id: string;
  organizationId: string;
  displayData: { name: string; description?: string; creationTime: string; createdBy: string };
  createdBy: string;
  lastUsedTime?: string | null;
  tokenPrefix?: string | null;
}

const row = (token: ApiToken): TokenRow => ({
  id: token.id,
  name: token.displayData.name,
  description: token.displayData.description ?? "",
  prefix: token.tokenPrefix ?? null,
  scopes: [],
  adminAccess: false,
  owner: token.createdBy,
  createdBy: token.displayData.createdBy,
  createdAt: token.displayData.creationTime,
  lastUsedAt: token.lastUsedTime ?? null,
  expiresAt: null,
  revokedAt: null,
  kind: "api",
});

export function ApiTokens() {
  const tokens = useQuery({
    queryKey: ["ingest", "api-tokens"],
    queryFn: () => call<ApiToken[]>({ method: "GET", to: "ingest", path: "/api-tokens/" }),
  });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>API Tokens</Title>
        <NewToken<ApiToken & { apiToken: string }>
          open="Generate"
          send="Generate"
          title="Generate API token"
          to="ingest"
          asks={["description"]}
          draft={(form) => ({
            method: "POST",
            to: "ingest",
            path: "/api-tokens/",
            body: { displayData: { name: form.name, description: form.description } },
          })}
          secretOf={(answer) => answer.apiToken}
          changed={tokens.refetch}
        />
      </Group>
      <Text size="sm">A program sends such a token in the header “authorization”, without a scheme word.</Text>
      <Listing query={tokens} isEmpty={(list) => list.length === 0} empty="There is no API token yet. “Generate” makes one.">
        {(list) => (
          <TokenTable
            label="API tokens"
            rows={list.map(row)}
            shows={[]}
            verb="Delete"
            remove={(one) => ({ method: "DELETE", to: "ingest", path: `/api-tokens/${one.id}` })}
            changed={tokens.refetch}
          />
        )}
      </Listing>
    </Stack>
  );
}
