import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.mts";

/** What hangs is found; a busy machine has time: nothing here says how fast anything is. */
const slow = { testTimeout: 600_000, hookTimeout: 600_000 };
/** Half of an engine test is waiting, for one process or another: more files at a time than there are cores. */
const WORKERS = 4;
const isShuffled = process.argv.some((arg) => arg.startsWith("--sequence.shuffle"));

export default defineConfig({
  test: {
    // the linked package is CommonJS outside node_modules: load it as Node does, not through Vite
    server: { deps: { external: [/provider\/dist\//] } },
    maxWorkers: Number(process.env.TEST_WORKERS ?? WORKERS),
    ...(!isShuffled && { sequence: { sequencer: LongestFirst } }),
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          setupFiles: ["test/support/fail-on-console.ts"],
          // a property test takes seconds on a machine that is slow or busy; what hangs is found all the same
          testTimeout: 60_000,
          // loading the libraries anew for each file takes as long as the tests
          isolate: false,
        },
      },
      { extends: true, test: { name: "fuzz", include: ["test/fuzz/**/*.test.ts"], testTimeout: 600_000 } },
      { extends: true, test: { name: "peers", include: ["test/peers/**/*.test.ts"], ...slow } },
      { extends: true, test: { name: "packaging", include: ["test/packaging/**/*.test.ts"], ...slow } },
      { extends: true, test: { name: "engine", include: ["test/engine/**/*.test.ts"], ...slow } },
    ],
  },
});
