import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: "../tessera/console",
    emptyOutDir: true,
    chunkSizeWarningLimit: 1600, // Swagger UI, which the API reference alone loads
    rolldownOptions: { input: { console: "index.html", docs: "docs/index.html" } },
  },
  server: {
    proxy: Object.fromEntries(
      ["/identity", "/catalog", "/ingest", "/semantic", "/vault", "/production", "/events", "/docs"].map((path) => [path, server]),
    ),
  },
});
