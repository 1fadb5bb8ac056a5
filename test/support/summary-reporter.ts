import type { Reporter, TestModule } from "vitest/node";

/** How many slow files are named, so that a new one is noticed when it comes. */
const SLOWEST = 10;

/**
 * Prints at the end of a run which tests were skipped and why, which files took the longest, and the plain line
 * `N passed, N failed, N skipped`.
 */
// biome-ignore lint/style/noDefaultExport: vitest loads a reporter by its default export
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    // a file that does not load has no tests of its own to fail
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length;
    for (const line of modules.flatMap(renderSkipped)) console.log(line);
    for (const line of renderSlowest(modules)) console.log(line);
    console.log(`${count("passed")} passed, ${count("failed") + broken} failed, ${count("skipped")} skipped`);
  }
}

/** The file as a heading, then the names of its skipped tests, with the reason where the test gave one. */
function renderSkipped(module: TestModule): string[] {
  const names = [...module.children.allTests("skipped")].map((test) => {
    const result = test.result();
    const reason = result.state === "skipped" && result.note ? ` (${result.note})` : "";
    return `  ${test.fullName}${reason}`;
  });
  return names.length === 0 ? [] : [`skipped in ${module.relativeModuleId}:`, ...names];
}

/** The slowest files with their seconds, loading included. */
function renderSlowest(modules: readonly TestModule[]): string[] {
  const rows = modules.map((module) => {
    const { duration, collectDuration, setupDuration, prepareDuration } = module.diagnostic();
    return { id: module.relativeModuleId, ms: duration + collectDuration + setupDuration + prepareDuration };
  });
  if (rows.length <= SLOWEST) return [];
  const slowest = rows.sort((one, other) => other.ms - one.ms).slice(0, SLOWEST);
  return ["slowest files:", ...slowest.map(({ id, ms }) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${id}`)];
}
