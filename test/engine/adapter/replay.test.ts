// States that releases have written, under the present code: in the minute of their recording nothing differs. A release
// records its own: `RECORD_STATES=yes npx vitest run --project engine test/engine/replay.test.ts`.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AS_OF } from "pulumi-tls-gateway";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { recordedPrograms, statesFolder } from "../../support/engine/recorded-programs";

const { version } = JSON.parse(readFileSync(join(programFolder, "provider/package.json"), "utf8"));
const releases = readdirSync(statesFolder).filter((name) => /^\d/.test(name));

/** What a later release shows once of an unchanged program, told in the CHANGELOG: release, program, resource, properties. */
const shown: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>>> = {
  "0.1.0": { certificates: { full: ["rootPem"] } },
};

/** Every recorded URN holds the name of the stack. */
const createStack = (program: string) =>
  EngineStack.create(
    "recorded",
    async () => {
      recordedPrograms[program]?.();
    },
    // what the states of a release are encrypted with
    { env: { PULUMI_CONFIG_PASSPHRASE: "test" } },
  );

async function record(program: string): Promise<void> {
  const engine = await createStack(program);
  try {
    await engine.up();
    expect(await engine.leaks()).toEqual([]);
    const state = JSON.parse(await engine.cli("stack", "export"), withoutPlaces);
    mkdirSync(join(statesFolder, version), { recursive: true });
    writeFileSync(join(statesFolder, version, `${program}.json`), `${JSON.stringify(state, undefined, 1)}\n`);
  } finally {
    engine.remove();
  }
}

/** Where in its sources a program made a resource tells the folders of the machine, and nothing else. */
function withoutPlaces(name: string, value: unknown): unknown {
  return name === "sourcePosition" || name === "stackTrace" ? undefined : value;
}

async function replay(file: string, program: string, release: string): Promise<void> {
  const state = JSON.parse(readFileSync(file, "utf8"));
  const engine = await createStack(program);
  try {
    await engine.stack.importStack(state);
    vi.stubEnv(AS_OF, `${new Date(state.deployment.manifest.time).toISOString().slice(0, 16)}Z`);
    const { steps, messages } = await engine.preview();
    expect(messages).toEqual([]);
    const recorded = state.deployment.resources.filter(({ urn }: { urn: string }) => urn.includes("tls-gateway"));
    expect(steps).toHaveLength(recorded.length);
    const differing = steps.filter(({ op }) => op !== "same").map(({ name, op, diffs }) => [name, { [op]: diffs }]);
    const expected = Object.entries(shown[release]?.[program] ?? {}).map(([name, update]) => [name, { update }]);
    expect(Object.fromEntries(differing)).toEqual(Object.fromEntries(expected));
    expect(await engine.leaks()).toEqual([]);
  } finally {
    engine.remove();
  }
}

if (process.env.RECORD_STATES === "yes") {
  describe(`release ${version}`, () => {
    for (const program of Object.keys(recordedPrograms)) it(`records ${program}`, () => record(program));
  });
} else {
  describe("a state of release", () => {
    afterEach(() => vi.unstubAllEnvs());
    it(`${version} is recorded for every program`, () => {
      const missing = Object.keys(recordedPrograms).filter(
        (program) => !existsSync(join(statesFolder, version, `${program}.json`)),
      );
      expect(missing).toEqual([]);
    });

    for (const release of releases) {
      for (const file of readdirSync(join(statesFolder, release))) {
        const program = file.replace(/\.json$/, "");
        it(`${release} shows nothing, or what the CHANGELOG says, as of its recording: ${program}`, () =>
          replay(join(statesFolder, release, file), program, release));
      }
    }
  });
}
