// The install script on a machine that is not as it should be: other runs, signals, half a script, no rights, a full disk.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished } from "vitest";
import { renderInstallScript } from "../../../../provider/src/gateway/install/script";
import type { GatewayInstall, HandshakeProbe } from "../../../../provider/src/gateway/model/kind";
import { InstallMachine, runScript, type ScriptRun, type Shell, whole } from "../../../support/install/fixture";
import { describeWithPeer } from "../../../support/peer";
import { inTurns } from "../../../support/tier";

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];

describeWithPeer("openssl", () => {
  for (const [place, shell] of shells.entries()) {
    describeWithPeer(shell[0], () => {
      describe("an install script in trouble", () => behaves(shell, inTurns(place, shells.length)));
    });
  }
});

function behaves(shell: Shell, it: ReturnType<typeof inTurns>): void {
  const machine = new InstallMachine();
  const run = (script: string) => runScript(shell, script);
  const fresh = () => machine.reset();

  beforeAll(() => machine.start());
  afterAll(() => machine.remove());

  /** One of the runs holds its reload up until all others have ended. */
  const atOnce = async (versions: readonly number[]) => {
    const reload = `until [ -e ${machine.at("go")} ]; do sleep 0.1; done; sh ${machine.at("reload.sh")}`;
    rmSync(machine.at("go"), { force: true });
    // whatever comes of the test, no run stays
    onTestFinished(() => machine.write("go", ""));
    let ended = 0;
    const end = (result: ScriptRun) => {
      ended += 1;
      if (ended === versions.length - 1) machine.write("go", "");
      return result;
    };
    return Promise.all(versions.map((version) => run(machine.script(version, { install: { reload } })).then(end)));
  };

  it("lets one of several runs at the same time through", async () => {
    fresh();
    const runs = await atOnce([0, 0, 0, 1]);
    const statuses = runs.map(({ status }) => status).sort();
    expect(statuses).toEqual([0, 3, 3, 3]);
    expect(runs.find(({ status }) => status === 3)?.stderr).toMatch(/another run, with the number \d+, is at work/);
    expect(readdirSync(machine.directory).sort()).toEqual(["applied", "current", "sets"]);
  });

  it("takes over the lock of a run that is gone, in one of several runs", async () => {
    fresh();
    for (const dead of ["4194303.1", `${process.pid}.1`]) {
      mkdirSync(machine.at("gw"), { recursive: true });
      symlinkSync(dead, machine.at("gw/.lock"));
      symlinkSync("4194302.1", machine.at(`gw/.lock.${dead}`));
      const runs = await atOnce([1, 2, 3]);
      expect(runs.map(({ status }) => status).sort()).toEqual([0, 3, 3]);
      expect(readdirSync(machine.directory).sort()).toEqual(["applied", "current", "sets"]);
    }
  });

  it("finishes its work when the one who started it is gone", async () => {
    fresh();
    const [program, ...args] = shell;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    child.stdout.destroy();
    child.stderr.destroy();
    child.stdin.end(machine.script(0));
    const [status] = (await once(child, "close")) as [number | null];
    expect(status).toBe(0);
    expect(machine.versions()).toEqual(whole(0));
    expect(machine.read("gw/applied")).toBe(machine.plan(0).contentHash);
  });

  it("writes every content octet by octet", async () => {
    fresh();
    const plan = machine.plan(0);
    const texts = [
      "",
      "no newline",
      "\n\n",
      "it's '' ' \\ \\\\ \\n %s %% `id` $(id) $HOME $" + '{x} ! # " \t\r\n',
      "-n",
      "\\c",
      "ünï\u{1f600}",
      "'\\''",
      "EOF\n",
      "x".repeat(200_000),
    ];
    const odd = texts.map((content, index) => ({
      ...{ path: `${machine.directory}/current/odd/it's ${index} $x`, content },
      mode: "0640",
      isSecret: false,
    }));
    expect(await run(renderInstallScript({ ...plan, files: [...plan.files, ...odd] }))).toMatchObject({
      status: 0,
      stderr: "",
    });
    for (const { path, content } of odd) expect(readFileSync(path, "utf8")).toBe(content);
    for (const { path } of odd) expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it("tries fifty handshakes of many, those of new certificates before the others", async () => {
    fresh();
    const plan = machine.plan(0);
    const [probe] = plan.install.probes;
    if (probe === undefined) throw new Error("there is no handshake");
    const other = { ...probe, port: 1, certificate: `${machine.directory}/current/certs/b.pem` };
    const same = { path: other.certificate, mode: "0644", content: machine.pairs[5]?.pem ?? "", isSecret: false };
    const many = (version: number, probes: GatewayInstall["probes"]) => {
      const next = machine.plan(version, { install: { probes } });
      return renderInstallScript({ ...next, files: [...next.files, same] });
    };
    expect(await run(many(0, []))).toMatchObject({ status: 0 });
    // those that nobody answers are of a certificate that stays
    const probes = [...Array<HandshakeProbe>(60).fill(other), ...Array<HandshakeProbe>(60).fill(probe)];
    const tried = await run(many(1, probes));
    expect(tried).toMatchObject({ status: 0, stderr: "" });
    expect(tried.stdout).toContain("verified: 50 of 120 handshakes");
  });

  it("goes back when it is told to end between the swap and the proof", async () => {
    fresh();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    for (const signal of ["TERM", "HUP", "INT"]) {
      const ended = await run(machine.script(1, { install: { checkInstalled: `kill -${signal} $$` } }));
      expect(ended.stderr).toContain("going back: interrupted");
      expect(ended.status).toBe(1);
      expect(machine.versions()).toEqual(whole(0));
    }
  });

  it("does nothing when it is cut off on its way", () => {
    fresh();
    const script = machine.script(0);
    const cuts = [...Array(120).keys()].map((index) => script.length - 3 - index);
    for (let cut = 0; cut < script.length - 120; cut += 331) cuts.push(cut);
    const [program, ...args] = shell;
    for (const cut of cuts) {
      spawnSync(program, args, { input: script.slice(0, cut) });
      expect(existsSync(machine.directory), `${cut} of ${script.length}`).toBe(false);
    }
  });

  it("does not begin without the rights, and says so", async () => {
    fresh();
    chmodAll(machine);
    const [program, ...args] = shell;
    if (process.getuid?.() !== 0) return;
    const asNobody: Shell = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, ...args];
    const failed = await runScript(asNobody, machine.script(0));
    expect(failed.status).toBe(3);
    expect(failed.stderr).toMatch(/the folder .*gw can't be made; run the script as root/);
    mkdirSync(machine.at("gw/sets"), { recursive: true });
    expect((await runScript(asNobody, machine.script(0))).status).toBe(3);
    expect(readdirSync(machine.directory)).toEqual(["sets"]);
  });

  it("leaves the old set in use on a full disk, and nothing half made", async () => {
    if (process.getuid?.() !== 0) return;
    fresh();
    mkdirSync(machine.directory);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k,mode=755", "none", machine.directory], {
        stdio: "ignore",
      });
    } catch {
      return;
    }
    try {
      expect(await run(machine.script(0))).toMatchObject({ status: 0 });
      for (let room = 0; room <= 40; room += 4) {
        fillDisk(machine.directory, room * 1024);
        const full = await run(machine.script(1));
        rmSync(join(machine.directory, "filler"));
        if (full.status === 0) break;
        expect([1, 3], `with ${room} kB: ${full.stderr}`).toContain(full.status);
        expect(full.stderr).toMatch(/disk|see above/);
        expect(machine.versions()).toEqual(whole(0));
        expect(readdirSync(machine.at("gw/sets"))).toEqual([machine.plan(0).contentHash]);
      }
      expect(await run(machine.script(1))).toMatchObject({ status: 0 });
      expect(machine.versions()).toEqual(whole(1));
    } finally {
      execFileSync("umount", [machine.directory]);
    }
  });

  it("shows no key in the list of running programs and leaves none outside of the sets", async () => {
    fresh();
    const seen = machine.at("seen");
    const reload = `cat /proc/[0-9]*/cmdline >>${seen} 2>/dev/null; sh ${machine.at("reload.sh")}`;
    expect(await run(machine.script(0, { install: { reload } }))).toMatchObject({ status: 0 });
    expect(readFileSync(seen, "latin1")).not.toContain("PRIVATE KEY");
    const holders = execFileSync(
      "grep",
      ["-rl", "PRIVATE KEY", machine.directory, machine.at("etc"), machine.at("app")],
      { encoding: "utf8" },
    );
    expect(
      holders
        .trim()
        .split("\n")
        .every((path) => path.includes("/sets/") && path.includes("-key.pem")),
    ).toBe(true);
    expect(readlinkSync(machine.at("app/web-key.pem"))).toMatch(/\/current\/outside\/[0-9a-f]{12}-web-key\.pem$/);
  });
}

function chmodAll(machine: InstallMachine): void {
  for (const name of [".", "etc", "app"]) execFileSync("chmod", ["755", machine.at(name)]);
}

function fillDisk(folder: string, room: number): void {
  const free = Number(execFileSync("stat", ["-f", "-c", "%a", folder], { encoding: "utf8" })) * 4096;
  writeFileSync(join(folder, "filler"), Buffer.alloc(Math.max(0, free - room)));
}
