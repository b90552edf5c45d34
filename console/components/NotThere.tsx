import { Anchor, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";

export function NotThere() {
  return (
    <Stack>
      <Title order={1}>Nothing is here</Title>
      <Text>
        This address names no page. <Anchor component={Link} to="/">Go to Home</Anchor>
      </Text>
    </Stack>
  );
}
