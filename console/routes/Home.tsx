// What wants attention, and the next step; no feed.
import { Anchor, Card, Group, List, SimpleGrid, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/call";
import { Failed } from "../components/Failed";
import { useEvents } from "../components/events";
import { useSession } from "../components/session";

interface Home {
  jobs: { running: number; queued: number; failedLastDay: number };
  firstSteps: { key: string; text: string; done: boolean; to: string }[];
  jwtSecretIsSet: boolean;
}

export function Home() {
  const { me } = useSession();
  const home = useQuery({ queryKey: ["home"], queryFn: () => call<Home>({ method: "GET", to: "identity", path: "/home" }) });
  useEvents("name=job.", () => void home.refetch());
  if (!home.data) return home.error ? <Failed error={home.error} again={() => home.refetch()} /> : <Text>Loading…</Text>;
  const { jobs, firstSteps } = home.data;
  const left = firstSteps.filter((step) => !step.done);
  return (
    <Stack>
      <Title order={1}>Home</Title>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Count word="Jobs running" value={jobs.running} state="running" />
        <Count word="Jobs waiting" value={jobs.queued} state="queued" />
        <Count word="Failed in 24 hours" value={jobs.failedLastDay} state="failed" />
      </SimpleGrid>
      {left.length > 0 ? (
        <Card withBorder>
          <Title order={2} size="h4" mb="sm">
            First steps
          </Title>
          <List spacing="xs">
            {firstSteps.map((step) => (
              <List.Item
                key={step.key}
                icon={
                  <ThemeIcon size={22} radius="xl" variant={step.done ? "filled" : "default"} aria-hidden>
                    {step.done ? "✓" : ""}
                  </ThemeIcon>
                }
              >
                {step.to.startsWith("/docs") ? (
                  <Anchor href={step.to}>{step.text}</Anchor>
                ) : (
                  <Anchor component={Link} to={step.to}>
                    {step.text}
                  </Anchor>
                )}
                {step.done ? " (done)" : ""}
              </List.Item>
            ))}
          </List>
        </Card>
      ) : null}
      <Group>
        <Text size="sm">
          Signed in as {me?.fullName || me?.username}. Roles:{" "}
          {me?.isAdministrator
            ? "administrator of everything"
            : Object.entries(me?.roles ?? {})
                .map(([name, role]) => `${name} ${role}`)
                .join(", ") || "none yet"}
          .
        </Text>
      </Group>
    </Stack>
  );
}

function Count({ word, value, state }: { word: string; value: number; state: string }) {
  return (
    <Card withBorder>
      <Text size="sm" c="dimmed">
        {word}
      </Text>
      <Anchor renderRoot={(props) => <Link {...props} to="/jobs" search={{ state }} />} fz="h2" fw={700} aria-label={`${word}: ${value}`}>
        {value}
      </Anchor>
    </Card>
  );
}
