// The look in one place. Colours come from Mantine's named tokens; no component has a colour literal.
import { createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 8, dark: 5 },
  defaultRadius: "sm",
  cursorType: "pointer",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  autoContrast: true,
  respectReducedMotion: true,
});
