// The look in one place. Colours come from Mantine's named tokens; no component has a colour literal.
import { Alert, Anchor, Modal, createTheme } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 8, // white on it has 4.5:1 in both schemes
  defaultRadius: "sm",
  cursorType: "pointer",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  autoContrast: true,
  respectReducedMotion: true,
  components: {
    // The title keeps 4.5:1; the coloured ground alone says of which kind it is.
    Alert: Alert.extend({ styles: { label: { color: "var(--mantine-color-text)" } } }),
    // A link in a sentence is known by more than its colour.
    Anchor: Anchor.extend({ defaultProps: { underline: "always" } }),
    // A dialogue's heading is not the banner of the page.
    Modal: Modal.extend({ defaultProps: { attributes: { header: { role: "none" } } } }),
  },
});
