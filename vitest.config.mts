import { defineConfig } from "vitest/config";

/** Peers share two cores with real servers: one file at a time, with room for a slow machine. */
const slow = { testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false };
/** Half of an engine test is waiting, for one process or another: two files at a time, after all others. */
const engine = { ...slow, fileParallelism: true, maxWorkers: 2, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    // the linked package is CommonJS outside node_modules: load it as Node does, not through Vite
    server: { deps: { external: [/provider\/dist\//] } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          setupFiles: ["test/support/fail-on-console.ts"],
          // a property test takes seconds on a machine that is slow or busy; what hangs is found all the same
          testTimeout: 30_000,
          // loading the libraries anew for each file takes as long as the tests
          isolate: false,
        },
      },
      { extends: true, test: { name: "fuzz", include: ["test/fuzz/**/*.test.ts"], testTimeout: 600_000 } },
      { extends: true, test: { name: "peers", include: ["test/peers/**/*.test.ts"], ...slow } },
      { extends: true, test: { name: "packaging", include: ["test/packaging/**/*.test.ts"], ...slow } },
      { extends: true, test: { name: "engine", include: ["test/engine/**/*.test.ts"], ...engine } },
    ],
  },
});
