import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createCommandSolver } from "../../../../../provider/src/acme/challenge/dns-01/command";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";

let folder: string;
let deadline: Deadline;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hook-environment-"));
  deadline = new Deadline(60, systemClock);
});
afterEach(() => {
  vi.unstubAllEnvs();
  deadline.dispose();
  rmSync(folder, { recursive: true });
});

it("a hook gets no variable of Pulumi, which hold the passphrase of the stack", async () => {
  vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "hunter2");
  vi.stubEnv("PULUMI_ACCESS_TOKEN", "pul-1");
  vi.stubEnv("OTHER_SETTING", "kept");
  const command = join(folder, "hook.sh");
  writeFileSync(command, '#!/bin/sh\nenv >"$FOLDER/log"\n', { mode: 0o755 });
  const solver = createCommandSolver(
    { type: "dns-01", propagation: false, command, environment: { FOLDER: folder } },
    systemClock,
  );
  const identifier = { type: "dns", value: "a.test" } as const;
  await solver.present([{ identifier, isWildcard: false, token: "token", keyAuthorization: "token.print" }], deadline);
  const log = readFileSync(join(folder, "log"), "utf8");
  expect(log).toContain("OTHER_SETTING=kept");
  expect(log).not.toContain("PULUMI_");
});
