import { Kbd, Modal, Table } from "@mantine/core";

const KEYS: [string, string][] = [
  ["~", "show or hide the calls that this page made"],
  ["?", "this list"],
  ["Esc", "close a dialogue or menu"],
  ["Tab", "next control; the first one skips to the page"],
];

export function Keyboard({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keyboard" closeButtonProps={{ "aria-label": "Close" }}>
      <Table>
        <Table.Tbody>
          {KEYS.map(([key, act]) => (
            <Table.Tr key={key}>
              <Table.Td>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{act}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
