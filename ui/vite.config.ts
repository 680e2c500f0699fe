import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// The server makes the pages and reads from the manifest which files belong to an entry (trailboss/api/html.py).
// scripts/build_ui.py says where the output goes.
export default defineConfig({
  plugins: [vue()],
  define: { __VUE_OPTIONS_API__: "false" },
  build: {
    emptyOutDir: true,
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { browser: "src/browser/main.ts" } },
  },
});
