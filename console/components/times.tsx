import { Text } from "@mantine/core";

/** Local time, with UTC on hover. */
export function Time({ at, none = "never" }: { at: string | null; none?: string }) {
  if (!at) return <Text span size="sm">{none}</Text>;
  const moment = new Date(at);
  return (
    <time dateTime={at} title={moment.toISOString()}>
      {moment.toLocaleString()}
    </time>
  );
}

/** Seconds between two instants, in words. */
export function lasted(from: string | null, to: string | null): string {
  if (!from) return "";
  const seconds = ((to ? new Date(to) : new Date()).getTime() - new Date(from).getTime()) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
