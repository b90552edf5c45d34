import { Menu, useMantineColorScheme } from "@mantine/core";

const NEXT = { light: "dark", dark: "auto", auto: "light" } as const;
const WORDS = { light: "light", dark: "dark", auto: "as the system" } as const;

export function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu.Item closeMenuOnClick={false} onClick={() => setColorScheme(NEXT[colorScheme])}>
      Appearance: {WORDS[colorScheme]}
    </Menu.Item>
  );
}
