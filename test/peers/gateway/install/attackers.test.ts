// The install script of root's while another user swaps files for links, and writes into what he owned, as fast as he can:
// twenty runs, two hundred in the long tier, and nothing of root's changes hands or content.
import { chownSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { afterAll, expect } from "vitest";
import { Attacker, evilText } from "../../../support/install/attacker";
import type { Shell } from "../../../support/install/fixture";
import { describeAsRoot, RootMachine, stranger } from "../../../support/install/root";
import { describeWithPeer } from "../../../support/peer";
import { inTurns, isLong } from "../../../support/tier";

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];
const RUNS = isLong ? 200 : 20;

for (const [place, shell] of shells.entries()) {
  describeWithPeer(shell[0], () => {
    describeAsRoot("an install script that another user races", () => withstands(shell, inTurns(place, shells.length)));
  });
}

function withstands(shell: Shell, it: ReturnType<typeof inTurns>): void {
  const machine = new RootMachine(shell);
  afterAll(() => machine.remove());
  const options = { user: stranger.name, group: stranger.group };

  const races: readonly (readonly [what: string, names: readonly string[], target: string])[] = [
    ["the document", ["pydio.json", "pydio.json.tls-gateway-new"], "secret/shadow"],
    ["the folders", ["tls-gateway", "certs", "tls-gateway/sets"], "secret"],
  ];
  for (const [what, names, target] of races) {
    it(`changes nothing of root's while the account of Cells swaps ${what} for links`, async () => {
      machine.reset();
      machine.write("secret/shadow", '{"a":1}', { mode: 0o600 });
      mkdirSync(machine.at("var/cells"));
      chownSync(machine.at("var/cells"), stranger.id, stranger.id);
      machine.write("var/cells/pydio.json", "{}", { mode: 0o600, owner: stranger.id });
      const attack = { folder: machine.at("var/cells"), names, target: machine.at(target) };
      const attacker = await Attacker.start(attack);
      try {
        for (let run = 0; run < RUNS / 2; run++) {
          const { status } = await machine.install(machine.plan("cells", { options, version: run % 3 }));
          expect([0, 1, 2, 3]).toContain(status);
          expect(readdirSync(machine.at("secret"))).toEqual(["shadow"]);
          expect(readFileSync(machine.at("secret/shadow"), "utf8")).toBe('{"a":1}');
          expect(statSync(machine.at("secret/shadow"))).toMatchObject({ uid: 0, gid: 0, mode: 0o100600 });
          expect(statSync(machine.at("secret"))).toMatchObject({ uid: 0, gid: 0, mode: 0o40700 });
        }
      } finally {
        await attacker.stop();
      }
    });
  }

  it("leaves systemd a drop-in of root's while the account writes into all that an earlier release gave it", async () => {
    machine.reset();
    const dropIn = machine.at("etc/systemd/system/caddy.service.d/tls-gateway.conf");
    for (let run = 0; run < RUNS / 10; run++) {
      expect((await machine.install(machine.plan("caddy", { options, version: run }))).status).toBe(0);
      const files = [dropIn, machine.at("etc/caddy/tls-gateway/current/caddy.service.conf")];
      for (const path of files) chownSync(path, stranger.id, stranger.id);
      const attacker = await Attacker.start({ files });
      try {
        const next = machine.plan("caddy", { options, version: run + 1 });
        expect((await machine.install(next)).status).toBe(0);
        expect(readFileSync(dropIn, "utf8")).not.toContain(evilText);
        expect(statSync(dropIn)).toMatchObject({ uid: 0, gid: 0, mode: 0o100644 });
        expect(machine.foreign("etc/caddy")).toBe("");
        expect((await machine.uninstall(next)).status).toBe(0);
        expect(
          readdirSync(machine.at("etc/systemd/system/caddy.service.d")).filter((name) => name.endsWith(".conf")),
        ).toEqual([]);
      } finally {
        await attacker.stop();
      }
    }
  });
}
