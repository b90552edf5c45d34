// What wants attention, and the next step; no feed.
import { Anchor, Card, Group, List, SimpleGrid, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { call } from "../api/call";
import type { Job, Page } from "../api/identity";
import { Failed } from "../components/Failed";
import { useEvents } from "../components/events";
import { useSession } from "../components/session";

interface Home {
  failedJobs: number;
  firstSteps: Record<string, boolean>;
}

/** What a new installation does first, where, and how the server says that it is done. */
const STEPS: Record<string, { text: string; to: string }> = {
  hasSecondPerson: { text: "Give somebody else an account", to: "/docs/identity" },
  hasToken: { text: "Make a token for a script", to: "/account/api-tokens" },
  hasConnection: { text: "Connect ingest to a folder of files", to: "/docs/ingest" },
  hasHub: { text: "Keep the history of a table in the vault", to: "/docs/vault" },
  hasSource: { text: "Describe a source in the catalogue", to: "/docs/catalog" },
  hasOntology: { text: "Ask in business terms: create an ontology", to: "/docs/semantic" },
  hasProject: { text: "Track the work: create a project", to: "/docs/production" },
};

const LIMIT = 200;

/** Open jobs; both lists are short by nature, and beyond the limit the figure says so. */
async function countOpen() {
  const count = async (state: string) =>
    (await call<Page<Job>>({ method: "GET", to: "identity", path: `/jobs?state=${state}&limit=${LIMIT}` })).items.length;
  return { running: await count("running"), queued: await count("queued") };
}

export function Home() {
  const { me } = useSession();
  const home = useQuery({ queryKey: ["home"], queryFn: () => call<Home>({ method: "GET", to: "identity", path: "/home" }) });
  const counts = useQuery({ queryKey: ["jobs", "counts"], queryFn: countOpen });
  useEvents("name=job.", () => {
    void home.refetch();
    void counts.refetch();
  });
  if (!home.data) return home.error ? <Failed error={home.error} again={() => home.refetch()} /> : <Text>Loading…</Text>;
  const steps = Object.entries(STEPS)
    .filter(([key]) => key in home.data.firstSteps)
    .map(([key, step]) => ({ key, ...step, done: home.data.firstSteps[key] === true }));
  const left = steps.filter((step) => !step.done);
  return (
    <Stack>
      <Title order={1}>Home</Title>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <Count word="Jobs running" value={counts.data?.running} state="running" />
        <Count word="Jobs waiting" value={counts.data?.queued} state="queued" />
        <Count word="Failed in 24 hours" value={home.data.failedJobs} state="failed" />
      </SimpleGrid>
      {left.length > 0 ? (
        <Card withBorder>
          <Title order={2} size="h4" mb="sm">
            First steps
          </Title>
          <List spacing="xs">
            {steps.map((step) => (
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

function Count({ word, value, state }: { word: string; value: number | undefined; state: string }) {
  const shown = value === undefined ? "…" : value >= LIMIT ? `${LIMIT} or more` : String(value);
  return (
    <Card withBorder>
      <Text size="sm" c="dimmed">
        {word}
      </Text>
      <Anchor renderRoot={(props) => <Link {...props} to="/jobs" search={{ state }} />} fz="h2" fw={700} aria-label={`${word}: ${shown}`}>
        {shown}
      </Anchor>
    </Card>
  );
}
