// One job: first the outcome in words, then the figures, then the log.
import { Alert, Button, Code, Group, ScrollArea, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { type Draft, call } from "../api/call";
import type { Job } from "../api/identity";
import { Failed } from "../components/Failed";
import { JobProgress, StateBadge } from "../components/JobState";
import { ShowCall } from "../components/ShowCall";
import { useEvents } from "../components/events";
import { Time, lasted } from "../components/times";

interface Log {
  items: { seq: number; attempt: number; at: string; line: string }[];
}

const OUTCOMES: Record<Job["state"], (job: Job) => string> = {
  queued: (job) => (job.failures > 0 ? `Waits to be tried again, after ${job.failures} failed attempts.` : "Waits for a free worker."),
  running: (job) => `Runs since ${new Date(job.startedAt ?? job.createdAt).toLocaleString()}, attempt ${job.attempt}.`,
  succeeded: (job) => `Done in ${lasted(job.startedAt, job.finishedAt)}: ${job.rows.written.toLocaleString()} rows written.`,
  failed: (job) => `Failed after ${job.attempt} attempts. What was committed before stays; trying again does not double it.`,
  cancelled: () => "Cancelled. What was committed before stays.",
};

export function JobPage() {
  const { jobId } = useParams({ from: "/jobs/$jobId" });
  const job = useQuery({
    queryKey: ["job", jobId],
    queryFn: () => call<Job>({ method: "GET", to: "identity", path: `/jobs/${jobId}` }),
    refetchInterval: (query) => (query.state.data?.state === "running" ? 1000 : false),
  });
  const log = useQuery({
    queryKey: ["job", jobId, "log"],
    queryFn: () => call<Log>({ method: "GET", to: "identity", path: `/jobs/${jobId}/log` }),
    refetchInterval: () => (job.data?.state === "running" ? 2000 : false),
  });
  useEvents("name=job.", () => {
    void job.refetch();
    void log.refetch();
  });
  const act = useMutation({ mutationFn: (draft: Draft) => call(draft), onSuccess: () => job.refetch() });
  const cancel: Draft = { method: "POST", to: "identity", path: `/jobs/${jobId}/cancel`, body: {} };
  const retry: Draft = { method: "POST", to: "identity", path: `/jobs/${jobId}/retry`, body: {} };
  if (!job.data) return job.error ? <Failed error={job.error} again={() => job.refetch()} /> : <Text>Loading…</Text>;
  const one = job.data;
  const open = one.state === "queued" || one.state === "running";
  return (
    <Stack>
      <Group justify="space-between">
        <Group>
          <Title order={1}>{one.title}</Title>
          <StateBadge state={one.state} />
        </Group>
        <Group>
          {open ? (
            <Button variant="default" loading={act.isPending} disabled={one.isCancelRequested} onClick={() => act.mutate(cancel)}>
              {one.isCancelRequested ? "Cancelling" : "Cancel job"}
            </Button>
          ) : null}
          {one.state === "failed" || one.state === "cancelled" ? (
            <Button loading={act.isPending} onClick={() => act.mutate(retry)}>
              Try again
            </Button>
          ) : null}
          <ShowCall draft={open ? cancel : retry} label={open ? "Cancel job" : "Try again"} />
        </Group>
      </Group>
      <Text aria-live="polite">{OUTCOMES[one.state](one)}</Text>
      {one.error ? (
        <Alert color="red" variant="light" title="What failed">
          {one.error}
        </Alert>
      ) : null}
      <Failed error={act.error} />
      <JobProgress job={one} />
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Figure word="Rows read" value={one.rows.read.toLocaleString()} />
        <Figure word="Rows written" value={one.rows.written.toLocaleString()} />
        <Figure word="Rows rejected" value={one.rows.rejected.toLocaleString()} />
        <Figure word="Took" value={lasted(one.startedAt, one.finishedAt) || "-"} />
      </SimpleGrid>
      <Text size="sm">
        {one.package} · {one.kind} · created <Time at={one.createdAt} /> · finished <Time at={one.finishedAt} none="not yet" />
      </Text>
      <Title order={2} size="h4">
        Log
      </Title>
      <ScrollArea.Autosize mah={420} viewportProps={{ tabIndex: 0, "aria-label": "Log of the job", role: "region" }}>
        <Code block>{(log.data?.items ?? []).map((line) => `${line.at} #${line.attempt} ${line.line}`).join("\n") || "The log is empty."}</Code>
      </ScrollArea.Autosize>
    </Stack>
  );
}

function Figure({ word, value }: { word: string; value: string }) {
  return (
    <div role="group" aria-label={word}>
      <Text size="xs" c="dimmed" aria-hidden>
        {word}
      </Text>
      <Text fw={600}>{value}</Text>
    </div>
  );
}
