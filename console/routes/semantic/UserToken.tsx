// How a program gets its key for the semantic package: from this session, or by get_token.
import { Anchor, Button, Code, List, Stack, Text, Title } from "@mantine/core";

const SCRIPT = "tessera semantic make-bearer USERNAME --password-stdin";

export function UserToken() {
  const base = `${window.location.origin}/semantic`;
  return (
    <Stack maw={860}>
      <Title order={1}>User token</Title>
      <Text>
        Requests to the semantic package carry the header <Code>x-api-key</Code>. While you are signed in here, this page gives you a token for it:
      </Text>
      <Button component="a" href="/semantic/timbr/get_timbr_user_token/" w="fit-content">
        Open get_timbr_user_token
      </Button>
      <Text>Save what it shows; use it as the x-api-key of the requests.</Text>
      <Title order={2} size="h4">
        Without a browser
      </Title>
      <List type="ordered">
        <List.Item>
          Make the authorization bearer with the script that comes with the server: <Code>{SCRIPT}</Code>
        </List.Item>
        <List.Item>
          Post it to get_token:
          <Code block>{`curl --request POST '${base}/timbr/api/get_token' \\
  --header 'Content-Type: application/json' \\
  --header 'Authorization: Bearer gAAAAA…'`}</Code>
        </List.Item>
      </List>
      <Anchor href="/docs/semantic">API reference of the semantic package</Anchor>
    </Stack>
  );
}
