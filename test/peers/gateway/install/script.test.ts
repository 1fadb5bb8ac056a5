import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { renderRemoveScript } from "../../../../provider/src/gateway/install/script";
import { InstallMachine, runScript, type Shell, whole } from "../../../support/install/fixture";
import { describeWithPeer } from "../../../support/peer";
import { inTurns } from "../../../support/tier";

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];

describeWithPeer("openssl", () => {
  for (const [place, shell] of shells.entries()) {
    describeWithPeer(shell[0], () => {
      describe("an install script", () => behaves(shell, inTurns(place, shells.length)));
    });
  }
});

function behaves(shell: Shell, it: ReturnType<typeof inTurns>): void {
  const machine = new InstallMachine();
  const run = (script: string) => runScript(shell, script);
  const remove = () => renderRemoveScript({ ...machine.plan(0), paths: machine.plan(0).files.map(({ path }) => path) });
  const fresh = () => machine.reset();

  beforeAll(() => machine.start());
  afterAll(() => machine.remove());

  it("installs, and does nothing the second time", async () => {
    fresh();
    const script = machine.script(0);
    expect(await run(script)).toMatchObject({ status: 0, stderr: "" });
    expect(machine.versions()).toEqual(whole(0));
    expect(machine.read("etc/copy.json")).toBe(machine.read("etc/server.json"));
    expect(machine.read("app/pydio.json")).toBe(
      '{"defaults":{"sites":[\n      {\n        "version": 0\n      }\n    ]}}\n',
    );
    expect(statSync(machine.at("app/web-key.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(machine.at("app/web.pem")).mode & 0o777).toBe(0o644);
    expect(statSync(machine.at("gw/current/certs")).mode & 0o777).toBe(0o755);
    rmSync(machine.at("loaded/server.json"));
    const again = await run(script);
    expect(again).toMatchObject({ status: 0, stderr: "" });
    expect(again.stdout).toContain("nothing to do");
    expect(machine.read("loaded/server.json")).toBeUndefined();
    expect(readdirSync(machine.directory).sort()).toEqual(["applied", "current", "sets"]);
  });

  it("rotates, keeps three sets, and goes back to one of them", async () => {
    fresh();
    for (const version of [0, 1, 2, 3, 4]) expect(await run(machine.script(version))).toMatchObject({ status: 0 });
    expect(readdirSync(machine.at("gw/sets")).sort()).toEqual(
      [2, 3, 4].map((version) => machine.plan(version).contentHash).sort(),
    );
    expect(machine.versions()).toEqual(whole(4));
    expect(await run(machine.script(2))).toMatchObject({ status: 0, stderr: "" });
    expect(machine.versions()).toEqual(whole(2));
  });

  const foreign = (): void => {
    fresh();
    machine.write("etc/server.json", "foreign link");
    machine.write("etc/copy.json", "foreign copy");
    machine.write("app/web.pem", "foreign certificate");
    machine.write("app/web-key.pem", "foreign key");
    machine.write("app/pydio.json", '{"a": "s\\u0065cret", "defaults": {"sites": [1, 2] }}');
  };
  const expectForeign = (): void => {
    expect(machine.versions()).toMatchObject({
      configuration: "foreign link",
      outsideCertificate: "foreign certificate",
      outsideKey: "foreign key",
    });
    expect(machine.read("etc/copy.json")).toBe("foreign copy");
    expect(machine.read("app/pydio.json")).toBe('{"a": "s\\u0065cret", "defaults": {"sites": [1, 2] }}');
    expect([...readdirSync(machine.at("etc")), ...readdirSync(machine.at("app"))].sort()).toEqual([
      "copy.json",
      "pydio.json",
      "server.json",
      "web-key.pem",
      "web.pem",
    ]);
    for (const path of ["etc/server.json", "app/web.pem"])
      expect(lstatSync(machine.at(path)).isSymbolicLink()).toBe(false);
  };

  it("gives back what was there before when it is removed, but for the merged sites, and may be removed twice", async () => {
    foreign();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    expect(machine.versions()).toEqual(whole(0));
    const removed = await run(remove());
    expect(removed.status).toBe(0);
    expect(removed.stderr).toContain("still has the sites");
    machine.write("app/pydio.json", '{"a": "s\\u0065cret", "defaults": {"sites": [1, 2] }}');
    expectForeign();
    expect(existsSync(machine.directory)).toBe(false);
    expect(await run(remove())).toMatchObject({ status: 0 });
    expectForeign();
  });

  const failures: readonly [string, (machine: InstallMachine) => string, RegExp][] = [
    ["the server's check says no", (at) => at.script(1, { isGood: false }), /line 3: not good/],
    [
      "a key is another's",
      (at) => at.script(1, { key: 2 }),
      /app\/web-key\.pem does not belong to the certificate of .*app\/web\.pem/,
    ],
    [
      "the check of the whole says no",
      (at) => {
        at.write("fail-installed", "");
        return at.script(1);
      },
      /not as a whole/,
    ],
    ["the server can't be stopped", (at) => at.script(1, { install: { stop: "echo busy; false" } }), /busy/],
    [
      "another certificate is served",
      (at) => {
        mkdirSync(at.at("wrong"), { recursive: true });
        at.write("wrong/a.pem", at.pairs[5]?.pem ?? "");
        at.write("wrong/a-key.pem", at.pairs[5]?.keyPem ?? "");
        at.write("serve-wrong", "");
        return at.script(1, { patience: 1 });
      },
      /127\.0\.0\.1:\d+ serves another certificate for a\.test/,
    ],
    [
      "the port does not answer",
      (at) =>
        at.script(1, {
          patience: 1,
          install: {
            probes: [
              {
                ...at.plan(1).install.probes[0],
                address: "127.0.0.1",
                port: 1,
                certificate: `${at.directory}/current/certs/a.pem`,
              },
            ],
          },
        }),
      /no TLS handshake with 127\.0\.0\.1:1/,
    ],
  ];

  for (const [what, script, message] of failures) {
    it(`goes back to the old set when ${what}`, async () => {
      fresh();
      expect(await run(machine.script(0))).toMatchObject({ status: 0 });
      const before = machine.read("app/pydio.json");
      const failed = await run(script(machine));
      expect(failed.stderr).toMatch(message);
      expect(failed.status).toBe(1);
      expect(machine.versions()).toEqual(whole(0));
      expect(machine.read("app/pydio.json")).toBe(before);
      expect(machine.read("etc/copy.json")).toBe(machine.read("etc/server.json"));
      expect(readdirSync(machine.at("gw/sets"))).toEqual([machine.plan(0).contentHash]);
      expect(JSON.parse(machine.read("loaded/server.json") ?? "")).toMatchObject({ version: 0 });
    });
  }

  for (const [what, script] of failures) {
    it(`leaves everything as it was before a first installation when ${what}`, async () => {
      foreign();
      expect(await run(script(machine))).toMatchObject({ status: 1 });
      expectForeign();
      expect(readdirSync(machine.directory)).toEqual(["sets"]);
      expect(readdirSync(machine.at("gw/sets"))).toEqual([]);
    });
  }

  it("says so when the server can't be told to go back", async () => {
    fresh();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    machine.write("fail-reload", "");
    const failed = await run(machine.script(1));
    expect(failed.status).toBe(2);
    expect(failed.stderr).toMatch(/reload says no[\s\S]*look at it now/);
    expect(machine.versions()).toEqual(whole(0));
    rmSync(machine.at("fail-reload"));
    expect(await run(machine.script(1))).toMatchObject({ status: 0 });
  });

  it("refuses a document that is not JSON, before anything is stopped", async () => {
    foreign();
    machine.write("app/pydio.json", '{"a": 1,}');
    const failed = await run(machine.script(0, { install: { stop: `touch ${machine.at("stopped")}` } }));
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("it is not JSON: a bracket after a comma");
    expect(existsSync(machine.at("stopped"))).toBe(false);
    expect(machine.read("app/pydio.json")).toBe('{"a": 1,}');
    expect(machine.read("etc/server.json")).toBe("foreign link");
  });

  it("keeps what a server wrote into the merged document before it failed", async () => {
    fresh();
    machine.write("app/pydio.json", '{"a": 1, "defaults": {"sites": [1] }}');
    const reload = `sed 's/"a": 1/"a": 2/' ${machine.at("app/pydio.json")} >${machine.at("x")}; cat ${machine.at("x")} >${machine.at("app/pydio.json")}; test -e ${machine.at("second")} || { touch ${machine.at("second")}; exit 1; }`;
    rmSync(machine.at("second"), { force: true });
    expect(await run(machine.script(0, { install: { reload } }))).toMatchObject({ status: 1 });
    expect(machine.read("app/pydio.json")).toBe('{"a": 2, "defaults": {"sites": [1] }}');
  });

  it("puts right a set in use that was edited by hand", async () => {
    fresh();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    writeFileSync(machine.at("gw/current/server.json"), "{}");
    const repaired = await run(machine.script(0));
    expect(repaired.stdout).toMatch(/changed by hand/);
    expect(repaired.status).toBe(0);
    expect(machine.versions()).toEqual(whole(0));
    expect(readdirSync(machine.at("gw/sets"))).toEqual([machine.plan(0).contentHash]);
  });

  it("takes back the places that the new set does not have", async () => {
    foreign();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    const plan = machine.plan(1);
    const entries = plan.install.entries.slice(0, 1);
    expect(await run(machine.script(1, { install: { entries } }))).toMatchObject({ status: 0 });
    expect(machine.read("etc/copy.json")).toBe("foreign copy");
    expect(existsSync(machine.at("etc/copy.json.before-tls-gateway"))).toBe(false);
  });

  it("refuses to lose a second file of somebody else", async () => {
    foreign();
    expect(await run(machine.script(0))).toMatchObject({ status: 0 });
    rmSync(machine.at("etc/server.json"));
    machine.write("etc/server.json", "by hand");
    const failed = await run(machine.script(1));
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/etc\/server\.json is not what was installed there/);
    expect(machine.read("etc/server.json")).toBe("by hand");
  });
}
