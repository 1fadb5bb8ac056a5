// How the install script finds the Traefik that it has to start again: by what only that process can be, and without end in no case.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import type { Shell } from "../../../support/install/fixture";
import { describeAsRoot, RootMachine, stranger } from "../../../support/install/root";
import { describeWithPeer } from "../../../support/peer";
import { inTurns } from "../../../support/tier";

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];

for (const [place, shell] of shells.entries()) {
  describeWithPeer(shell[0], () => {
    describeWithPeer("dash", ({ path }) => {
      describeAsRoot("an install script for Traefik without systemd", () =>
        finds(shell, realpathSync(path), inTurns(place, shells.length)),
      );
    });
  });
}

function finds(shell: Shell, dash: string, it: ReturnType<typeof inTurns>): void {
  const machine = new RootMachine(shell);
  const started: ChildProcess[] = [];
  const pidFile = () => machine.at("etc/traefik/tls-gateway/running.pid");
  const pid = () => Number(readFileSync(pidFile(), "utf8"));
  /** A program of this name that runs until it is ended, or for ever. */
  const program = (ignores: string) => `trap '' ${ignores}; while :; do sleep 0.2; done`;

  beforeEach(() => {
    machine.reset();
    // the executable is a shell that is called traefik, and so are its processes
    mkdirSync(machine.at("bin/real"), { recursive: true });
    copyFileSync(dash, machine.at("bin/real/traefik"));
    lay("USR1");
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await ended;
    }
    endOurs();
  });
  afterAll(() => machine.remove());

  /** What the script starts by the name of traefik. */
  function lay(ignores: string): void {
    writeFileSync(
      machine.at("bin/traefik"),
      `#!/bin/sh\nexec ${machine.at("bin/real/traefik")} -c "${program(ignores)}" traefik "$@"\n`,
    );
    for (const name of ["bin/traefik", "bin/real/traefik"]) chmodSync(machine.at(name), 0o755);
  }
  function endOurs(): void {
    try {
      process.kill(pid(), "SIGKILL");
    } catch {
      // none was started, or it has ended
    }
  }
  const spawnTraefik = async (uid: number): Promise<ChildProcess> => {
    const words = [
      "-c",
      `echo ready; ${program("TERM")}`,
      "traefik",
      `--configFile=${machine.at("etc/traefik/traefik.yml")}`,
    ];
    const child = spawn(machine.at("bin/real/traefik"), words, {
      uid,
      argv0: "traefik",
      stdio: ["ignore", "pipe", "ignore"],
    });
    started.push(child);
    await once(child.stdout, "data");
    return child;
  };
  const install = (version: number, change?: (script: string) => string) =>
    machine.install(machine.plan("traefik", { version, keepsReload: true }), change);
  const isAlive = (number: number) => {
    const stat = readStat(number);
    return stat !== undefined && !/\) Z /.test(stat);
  };

  it("neither ends nor waits for a process of another user that is called the same", async () => {
    const { pid: other = 0 } = await spawnTraefik(stranger.id);
    expect(await install(0)).toMatchObject({ status: 0, stderr: "" });
    const first = pid();
    expect(isAlive(first)).toBe(true);
    // also when the number of ours has become that one's
    process.kill(first, "SIGKILL");
    writeFileSync(pidFile(), `${other}\n`);
    expect(await install(1)).toMatchObject({ status: 0, stderr: "" });
    expect(isAlive(other)).toBe(true);
    expect(pid()).not.toBe(other);
  });

  it("starts its own again when the static configuration has changed, and leaves it alone otherwise", async () => {
    expect(await install(0)).toMatchObject({ status: 0, stderr: "" });
    const first = pid();
    expect(await install(1)).toMatchObject({ status: 0, stderr: "" });
    const second = pid();
    expect(second).not.toBe(first);
    expect([isAlive(first), isAlive(second)]).toEqual([false, true]);
    rmSync(machine.at("etc/traefik/tls-gateway/applied"));
    expect(await install(1)).toMatchObject({ status: 0, stderr: "" });
    expect(pid()).toBe(second);
  });

  it("ends one that does not end when it is asked to", async () => {
    lay("TERM");
    expect(await install(0)).toMatchObject({ status: 0, stderr: "" });
    const first = pid();
    const hasty = (script: string) => script.replace('"$tries" -ne 300', '"$tries" -ne 3');
    expect(await install(1, hasty)).toMatchObject({ status: 0, stderr: "" });
    expect([isAlive(first), isAlive(pid())]).toEqual([false, true]);
  });

  it("does not start a second one beside root's own that it did not start, and says so", async () => {
    const { pid: other } = await spawnTraefik(0);
    const refused = await install(0);
    expect(refused).toMatchObject({ stderr: expect.stringContaining(`Traefik runs as process ${other}, which the`) });
    expect(refused.status).not.toBe(0);
  });
}

function readStat(number: number): string | undefined {
  try {
    return readFileSync(`/proc/${number}/stat`, "utf8");
  } catch {
    return undefined;
  }
}
