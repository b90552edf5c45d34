// The administration's second menu: what concerns the whole installation.
import { Grid, NavLink, Stack, Text, Title } from "@mantine/core";
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useSession } from "../../components/session";

export function Administration() {
  const path = useLocation({ select: (location) => location.pathname });
  const { me } = useSession();
  if (!me?.isAdministrator) {
    return (
      <Stack>
        <Title order={1}>Administration</Title>
        <Text>This page is for administrators. Ask one of them to give you that right.</Text>
      </Stack>
    );
  }
  return (
    <Grid>
      <Grid.Col span={{ base: 12, sm: 2 }}>
        <nav aria-label="Administration">
          <NavLink component={Link} to="/administration/integration" label="Integration" active={path.endsWith("/integration")} />
          <NavLink component={Link} to="/administration/tokens" label="All tokens" active={path.endsWith("/tokens")} />
        </nav>
      </Grid.Col>
      <Grid.Col span={{ base: 12, sm: 10 }}>
        {path.endsWith("/administration") ? (
          <Stack>
            <Title order={1}>Administration</Title>
            <Text>Integration tokens act for the whole installation; “All tokens” lists those of everybody.</Text>
          </Stack>
        ) : (
          <Outlet />
        )}
      </Grid.Col>
    </Grid>
  );
}
