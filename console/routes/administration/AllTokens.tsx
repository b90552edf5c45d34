// Every token of everybody, with search.
import { Button, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { listTokens, row } from "../../api/tokens";
import { Failed } from "../../components/Failed";
import { TokenTable } from "../../components/TokenTable";

export function AllTokens() {
  const [text, setText] = useState("");
  const [search] = useDebouncedValue(text, 250);
  const tokens = useInfiniteQuery({
    queryKey: ["tokens", "all", search],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      listTokens(`?all=true&search=${encodeURIComponent(search)}${pageParam ? `&after=${encodeURIComponent(pageParam)}` : ""}`),
    getNextPageParam: (page) => page.next,
  });
  const rows = tokens.data?.pages.flatMap((page) => page.items.map(row)) ?? [];
  return (
    <Stack>
      <Title order={1}>All tokens</Title>
      <TextInput label="Search" description="By name, owner or beginning" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      <Failed error={tokens.error} again={() => tokens.refetch()} />
      {rows.length === 0 && !tokens.isPending ? <Text size="sm">No token matches.</Text> : null}
      <TokenTable
        label="All tokens"
        rows={rows}
        shows={["kind", "owner", "scopes", "adminAccess"]}
        verb="Revoke"
        remove={(one) => ({ method: "DELETE", to: "identity", path: `/tokens/${one.id}` })}
        changed={tokens.refetch}
      />
      {tokens.hasNextPage ? (
        <Group>
          <Button variant="default" loading={tokens.isFetchingNextPage} onClick={() => tokens.fetchNextPage()}>
            Show more
          </Button>
        </Group>
      ) : null}
    </Stack>
  );
}
