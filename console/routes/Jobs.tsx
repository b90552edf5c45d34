// Everything that runs longer than a request, of every package, live.
import { Anchor, Button, Group, SegmentedControl, Stack, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { call } from "../api/call";
import type { Job, Page } from "../api/identity";
import { Failed } from "../components/Failed";
import { JobProgress, StateBadge } from "../components/JobState";
import { useEvents } from "../components/events";
import { Time, lasted } from "../components/times";

const STATES = ["all", "queued", "running", "succeeded", "failed", "cancelled"];

export function Jobs() {
  const { state } = useSearch({ from: "/jobs" });
  const go = useNavigate();
  const jobs = useInfiniteQuery({
    queryKey: ["jobs", state ?? "all"],
    initialPageParam: "",
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams();
      if (state) query.set("state", state);
      if (pageParam) query.set("after", pageParam);
      return call<Page<Job>>({ method: "GET", to: "identity", path: `/jobs?${query}` });
    },
    getNextPageParam: (page) => page.next,
    refetchInterval: (query) => (query.state.data?.pages[0]?.items.some((job) => job.state === "running") ? 1000 : false),
  });
  useEvents("name=job.", () => void jobs.refetch());
  const rows = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Jobs</Title>
        <SegmentedControl
          aria-label="State"
          data={STATES}
          value={state ?? "all"}
          onChange={(value) => go({ to: "/jobs", search: value === "all" ? {} : { state: value } })}
        />
      </Group>
      <Failed error={jobs.error} again={() => jobs.refetch()} />
      {rows.length === 0 && !jobs.isPending && !jobs.error ? (
        <Text size="sm">
          {state ? `No job is ${state}.` : "Nothing has run yet. Ingestions, vault loads and long queries appear here by themselves."}
        </Text>
      ) : null}
      {rows.length > 0 ? (
        <Table.ScrollContainer minWidth={820}>
          <Table aria-label="Jobs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Job</Table.Th>
                <Table.Th>Package</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th>Progress</Table.Th>
                <Table.Th>Rows written</Table.Th>
                <Table.Th>Began</Table.Th>
                <Table.Th>Took</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((job) => (
                <Table.Tr key={job.id}>
                  <Table.Th scope="row">
                    <Anchor component={Link} to={`/jobs/${job.id}`}>
                      {job.title}
                    </Anchor>
                  </Table.Th>
                  <Table.Td>{job.package}</Table.Td>
                  <Table.Td>
                    <StateBadge state={job.state} />
                  </Table.Td>
                  <Table.Td>
                    <JobProgress job={job} />
                  </Table.Td>
                  <Table.Td>{job.rows.written.toLocaleString()}</Table.Td>
                  <Table.Td>
                    <Time at={job.startedAt} none="not yet" />
                  </Table.Td>
                  <Table.Td>{lasted(job.startedAt, job.finishedAt)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      ) : null}
      {jobs.hasNextPage ? (
        <Button variant="default" w="fit-content" loading={jobs.isFetchingNextPage} onClick={() => jobs.fetchNextPage()}>
          Show more
        </Button>
      ) : null}
    </Stack>
  );
}
