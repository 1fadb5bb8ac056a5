// The install script, killed after each of its statements: what a server reads is the old set or the new one, whole, and the
// next run completes it, or goes back to what was there before.
import { readdirSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InstallMachine, runScript, type Shell, whole } from "../../../support/install/fixture";
import { withSteps } from "../../../support/install/killed-script";
import { describeWithPeer } from "../../../support/peer";
import { isLong } from "../../../support/tier";

/** Every statement takes many minutes: that is for the long tier; `INSTALL_KILLS=1` asks for it alone. */
const stride = Number(process.env.INSTALL_KILLS ?? (isLong ? 1 : 241));

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"]];

describeWithPeer("openssl", () => {
  for (const shell of isLong ? shells : shells.slice(-1)) {
    describeWithPeer(shell[0], () => {
      describe("an install script that is killed", () => survives(shell));
    });
  }
});

function survives(shell: Shell): void {
  const machine = new InstallMachine(3);
  const run = (script: string, killAt = 0) => runScript(shell, script, { KILL_AT: `${killAt}` });

  beforeAll(() => machine.start());
  afterAll(() => machine.remove());

  const expectClean = (): void => {
    expect(readdirSync(machine.directory).filter((name) => name !== "applied" && name !== "current")).toEqual(["sets"]);
    const names = [...readdirSync(machine.at("etc")), ...readdirSync(machine.at("app"))];
    expect(names.filter((name) => name.includes("new"))).toEqual([]);
    expect(machine.read("mixed"), "a pair that does not match was loaded").toBeUndefined();
  };

  const killEverywhere = async (next: number, look: () => void, back: () => void): Promise<number> => {
    const script = machine.script(next);
    const stepped = withSteps(shell, script);
    const failing = machine.script(2, { install: { checkInstalled: "false" } });
    let points = 0;
    for (let killAt = 1; ; killAt += stride) {
      machine.restore();
      const killed = await run(stepped, killAt);
      if (killed.status === 0) return points;
      points++;
      try {
        expect(killed.status).toBeNull();
        look();
        // another set comes next, and fails
        if ((killAt + points) % 3 === 0 && machine.read("gw", "applied") !== machine.plan(next).contentHash) {
          expect(await run(failing)).toMatchObject({ status: 1 });
          back();
          expectClean();
        }
        expect(await run(script)).toMatchObject({ status: 0 });
        expect(machine.versions()).toEqual(whole(next));
        expect(JSON.parse(machine.read("app/pydio.json") ?? "")).toMatchObject({
          a: "secret",
          defaults: { sites: [{ version: next }] },
        });
        expect(machine.read("etc/copy.json")).toBe(machine.read("etc/server.json"));
        expectClean();
      } catch (error) {
        throw new Error(`killed at ${killAt}\n${killed.stdout}${killed.stderr}`, { cause: error });
      }
    }
  };

  it("leaves the old set or the new one to a server, and is completed or undone by the next run", {
    timeout: 3_600_000,
  }, async () => {
    machine.write("app/pydio.json", '{"a":"secret"}');
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    const before = machine.read("app/pydio.json");
    machine.save();
    const points = await killEverywhere(
      1,
      () => expect([JSON.stringify(whole(0)), JSON.stringify(whole(1))]).toContain(JSON.stringify(machine.versions())),
      () => {
        expect(machine.versions()).toEqual(whole(0));
        expect(machine.read("app/pydio.json")).toBe(before);
      },
    );
    expect(points).toBeGreaterThan(400 / stride);
  });

  it("leaves what was there before a first installation, or the set", { timeout: 3_600_000 }, async () => {
    for (const name of ["gw", "loaded"]) rmSync(machine.at(name), { recursive: true, force: true });
    for (const name of [...readdirSync(machine.at("etc"))]) rmSync(machine.at("etc", name));
    for (const name of [...readdirSync(machine.at("app"))]) rmSync(machine.at("app", name));
    const foreign = {
      "etc/server.json": "old",
      "etc/copy.json": "old",
      "app/web.pem": "old",
      "app/web-key.pem": "old",
      "app/pydio.json": '{"a":"secret"}\n',
    };
    for (const [path, text] of Object.entries(foreign)) machine.write(path, text);
    machine.save();
    const points = await killEverywhere(
      0,
      () => {
        const { configuration, certificate, key, outsideCertificate, outsideKey } = machine.versions();
        expect(outsideCertificate).toBe(outsideKey);
        expect(["old", 0]).toContain(outsideKey);
        expect(["old", 0]).toContain(configuration);
        if (configuration === 0) expect([certificate, key, outsideKey]).toEqual([0, 0, 0]);
      },
      () => {
        for (const [path, text] of Object.entries(foreign)) expect(machine.read(path)).toBe(text);
        expect(readdirSync(machine.at("etc")).sort()).toEqual(["copy.json", "server.json"]);
      },
    );
    expect(points).toBeGreaterThan(400 / stride);
  });
}
