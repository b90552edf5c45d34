// A failure as the server put it, what to do, and what support needs; all of it can be copied.
import { Alert, Button, Code, CopyButton, Group, Stack, Text } from "@mantine/core";
import { ApiError, asCurl, masked } from "../api/call";

export function Failed({ error, again }: { error: unknown; again?: () => void }) {
  if (!error) return null;
  const known = error instanceof ApiError ? error : null;
  const message = error instanceof Error ? error.message : String(error);
  const details = known
    ? [`request ${known.requestId ?? "-"}`, new Date().toISOString(), asCurl({ ...known.call, body: masked(known.call.body) })].join("\n")
    : message;
  return (
    <Alert color="red" variant="light" title="That did not work" role="alert">
      <Stack gap="xs">
        <Text size="sm">{message}</Text>
        {known?.requestId ? (
          <Text size="xs">
            Request <Code>{known.requestId}</Code>
          </Text>
        ) : null}
        <Group gap="xs">
          {again ? (
            <Button size="compact-sm" variant="default" onClick={again}>
              Try again
            </Button>
          ) : null}
          <CopyButton value={details}>
            {({ copied, copy }) => (
              <Button size="compact-sm" variant="default" onClick={copy}>
                {copied ? "Copied" : "Copy details"}
              </Button>
            )}
          </CopyButton>
        </Group>
      </Stack>
    </Alert>
  );
}
