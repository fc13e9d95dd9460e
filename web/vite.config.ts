import { defineConfig } from "vitest/config";

// `npm run dev` shows the page with hot reload; the API comes from a `dinoscope serve` running beside it.
const server = process.env["DEV_SERVER"] ?? "http://127.0.0.1:7766";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    assetsInlineLimit: 0, // a data: URL would need a wider content security policy
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
  server: { proxy: { "/api": { target: server } } },
  test: { environment: "happy-dom", include: ["test/**/*.test.{ts,tsx}"] },
});
