import { Badge, Group, Progress, Text } from "@mantine/core";
import type { Job, JobState } from "../api/identity";

const COLOURS: Record<JobState, string> = { queued: "gray", running: "blue", succeeded: "green", failed: "red", cancelled: "gray" };

/** The state in a word; the colour only repeats it. */
export function StateBadge({ state }: { state: JobState }) {
  return (
    <Badge variant="outline" color={COLOURS[state]} styles={{ label: { color: "var(--mantine-color-text)" } }}>
      {state}
    </Badge>
  );
}

export function JobProgress({ job }: { job: Job }) {
  const { done, total, text } = job.progress;
  const share = done !== null && total ? Math.min(100, (100 * done) / total) : null;
  if (job.state !== "running" && !text) return null;
  return (
    <Group gap="xs" wrap="nowrap">
      {share === null ? null : <Progress value={share} w={120} aria-label={`Progress of ${job.title}`} />}
      <Text size="sm">
        {text ?? ""}
        {done !== null && total ? ` ${done.toLocaleString()} of ${total.toLocaleString()}` : ""}
      </Text>
    </Group>
  );
}
