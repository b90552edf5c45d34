// The faces of a list: loading, failed, empty (with what to do next), or the rows.
import { Paper, Skeleton, Stack, Text } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failed } from "./Failed";

interface Props<T> {
  query: UseQueryResult<T>;
  isEmpty: (data: T) => boolean;
  empty: ReactNode;
  children: (data: T) => ReactNode;
}

export function Listing<T>({ query, isEmpty, empty, children }: Props<T>) {
  if (query.isPending) {
    return (
      <Stack gap="xs" aria-busy="true">
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} h={32} />
        ))}
      </Stack>
    );
  }
  if (query.error && query.data === undefined) return <Failed error={query.error} again={() => query.refetch()} />;
  const data = query.data as T;
  if (isEmpty(data)) {
    return (
      <Paper withBorder p="lg">
        <Text size="sm">{empty}</Text>
      </Paper>
    );
  }
  return children(data);
}
