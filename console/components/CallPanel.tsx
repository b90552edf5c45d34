// The last calls of this page, each as a script would make it.
import { Badge, Box, Button, Group, ScrollArea, Table, Text, Title } from "@mantine/core";
import { useState, useSyncExternalStore } from "react";
import { BASES, type Call, history } from "../api/call";
import { CallText } from "./ShowCall";

export function CallPanel({ close }: { close: () => void }) {
  const calls = useSyncExternalStore(history.subscribe, history.read);
  const [chosen, setChosen] = useState<Call | null>(null);
  return (
    <Box
      component="section"
      aria-label="Calls"
      pos="fixed"
      bottom={0}
      left={0}
      right={0}
      h={320}
      p="sm"
      bg="var(--mantine-color-body)"
      style={{ borderTop: "1px solid var(--mantine-color-default-border)", zIndex: 150 }}
    >
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">
          Calls of this page ({calls.length})
        </Title>
        <Button variant="subtle" color="gray" size="compact-sm" onClick={close}>
          Close calls
        </Button>
      </Group>
      <Group align="start" wrap="nowrap" h={255}>
        <ScrollArea h="100%" flex={1} viewportProps={{ tabIndex: 0, "aria-label": "List of calls", role: "region" }}>
          <Table stickyHeader>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Call</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th>Time</Table.Th>
                <Table.Th>Size</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {calls.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>
                    <Button variant="subtle" color="gray" size="compact-xs" onClick={() => setChosen(one)}>
                      {one.method} {BASES[one.to]}
                      {one.path}
                    </Button>
                  </Table.Td>
                  <Table.Td>
                    <Badge variant="outline" color={one.status < 400 ? "gray" : "red"}>
                      {one.status}
                    </Badge>
                  </Table.Td>
                  <Table.Td>{Math.round(one.milliseconds)} ms</Table.Td>
                  <Table.Td>{one.bytes} B</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </ScrollArea>
        <ScrollArea h="100%" flex={1} viewportProps={{ tabIndex: 0, "aria-label": "The call chosen", role: "region" }}>
          {chosen ? <CallText draft={chosen} /> : <Text size="sm">Choose a call to see it as curl, JSON or Python.</Text>}
        </ScrollArea>
      </Group>
    </Box>
  );
}
