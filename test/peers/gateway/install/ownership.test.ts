// What the install script leaves to the account of a service: nothing that root or systemd reads belongs to it, and what lies in
// a folder of its own is done with its rights alone.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterAll, beforeEach, expect } from "vitest";
import type { Shell } from "../../../support/install/fixture";
import { describeAsRoot, RootMachine, stranger } from "../../../support/install/root";
import { describeWithPeer } from "../../../support/peer";
import { inTurns } from "../../../support/tier";

const shells: readonly Shell[] = [["dash"], ["busybox", "sh"], ["bash", "--posix"]];

for (const [place, shell] of shells.entries()) {
  describeWithPeer(shell[0], () => {
    describeAsRoot("an install script that root runs", () => keeps(shell, inTurns(place, shells.length)));
  });
}

const dropIn = "etc/systemd/system/caddy.service.d/tls-gateway.conf";
const document = "var/cells/pydio.json";

function keeps(shell: Shell, it: ReturnType<typeof inTurns>): void {
  const machine = new RootMachine(shell);
  beforeEach(() => machine.reset());
  afterAll(() => machine.remove());

  const asStranger = { options: { user: stranger.name, group: stranger.group } };
  const owner = (path: string) => {
    const { uid, gid, mode } = statSync(machine.at(path));
    return `${uid}:${gid} ${(mode & 0o7777).toString(8).padStart(4, "0")}`;
  };
  /** A Cells whose folder belongs to its account, as its Docker image and its manual have it. */
  const layCells = () => {
    mkdirSync(machine.at("var/cells"), { mode: 0o755 });
    chownSync(machine.at("var/cells"), stranger.id, stranger.id);
  };

  for (const kind of ["nginx", "haproxy", "apache", "caddy", "traefik", "envoy"]) {
    it(`leaves no file of kind ${kind} to the account that options.user names, which reads its key by its group`, async () => {
      const plan = machine.plan(kind, asStranger);
      expect(await machine.install(plan)).toMatchObject({ status: 0, stderr: "" });
      expect(machine.foreign()).toBe("");
      for (const { path, isSecret } of plan.files) {
        const text = path.replace(`${machine.root}/`, "");
        expect(owner(text)).toBe(isSecret ? `0:${stranger.id} 0640` : `0:${stranger.id} 0644`);
      }
    });
  }

  it("keeps keys to root where no account is named", async () => {
    const plan = machine.plan("nginx");
    expect(await machine.install(plan)).toMatchObject({ status: 0, stderr: "" });
    const key = plan.files.find(({ isSecret }) => isSecret)?.path ?? "";
    expect(owner(key.replace(`${machine.root}/`, ""))).toBe("0:0 0600");
  });

  it("gives systemd a drop-in that only root can change", async () => {
    expect(await machine.install(machine.plan("caddy", asStranger))).toMatchObject({ status: 0, stderr: "" });
    expect(owner(dropIn)).toBe("0:0 0644");
  });

  /** As a release before left it: files of the account, which has changed the drop-in since. */
  const layEarlier = async (text: string) => {
    const plan = machine.plan("caddy", asStranger);
    expect(await machine.install(plan)).toMatchObject({ status: 0 });
    for (const path of [dropIn, "etc/caddy/tls-gateway/current/caddy.service.conf", "etc/caddy/caddy.json"]) {
      chownSync(machine.at(path), stranger.id, stranger.id);
    }
    if (text !== "") writeFileSync(machine.at(dropIn), text);
    return plan;
  };

  for (const [what, text] of [
    ["as it was", ""],
    ["changed", "[Service]\nUser=root\n"],
  ] as const) {
    it(`takes a drop-in back that the account owned: ${what}`, async () => {
      const plan = await layEarlier(text);
      for (const version of [0, 1]) {
        const next = machine.plan("caddy", { ...asStranger, version });
        expect(await machine.install(next)).toMatchObject({ status: 0 });
        expect(owner(dropIn)).toBe("0:0 0644");
        expect(readFileSync(machine.at(dropIn), "utf8")).toContain("ExecStart=/usr/bin/caddy run");
        expect(machine.foreign("etc/caddy")).toBe("");
      }
      expect(await machine.uninstall(plan)).toMatchObject({ status: 0 });
      expect(existsSync(machine.at(dropIn))).toBe(false);
    });
  }

  it("gives systemd no text of a set that the account owned, also where the new set fails", async () => {
    for (const isGood of [false, true]) {
      machine.reset();
      await layEarlier("");
      machine.write("etc/caddy/tls-gateway/current/caddy.service.conf", "[Service]\nUser=root\n", {
        owner: stranger.id,
      });
      for (const reload of [isGood ? "true" : "false", "true"]) {
        const ran = await machine.install(machine.plan("caddy", { ...asStranger, version: 1, install: { reload } }));
        expect(ran.status).toBe(reload === "true" ? 0 : 2);
        expect(readFileSync(machine.at(dropIn), "utf8")).toContain("ExecStart=/usr/bin/caddy run");
        expect(owner(dropIn)).toBe("0:0 0644");
        expect(machine.foreign("etc/caddy")).toBe("");
      }
      expect(await machine.uninstall(machine.plan("caddy", asStranger))).toMatchObject({ status: 0 });
      expect(existsSync(machine.at(dropIn))).toBe(false);
    }
  });

  it("removes a drop-in that was changed, keeps its text under a name that systemd does not read, and says so", async () => {
    const plan = machine.plan("caddy", asStranger);
    expect(await machine.install(plan)).toMatchObject({ status: 0 });
    machine.write(dropIn, "[Service]\nUser=root\n");
    const removed = await machine.uninstall(plan);
    expect(removed).toMatchObject({ status: 0, stderr: expect.stringContaining(`${dropIn}.changed-tls-gateway`) });
    expect(existsSync(machine.at(dropIn))).toBe(false);
    expect(readFileSync(machine.at(`${dropIn}.changed-tls-gateway`), "utf8")).toContain("User=root");
  });

  it("follows no link out of the folder of Cells", async () => {
    layCells();
    symlinkSync(machine.at("secret/preload"), machine.at(document));
    const followed = await machine.install(machine.plan("cells", asStranger));
    expect(existsSync(machine.at("secret/preload"))).toBe(false);
    expect(followed.status).not.toBe(0);
  });

  it("gives no file of root to the account of Cells, whatever its folder's links point to", async () => {
    machine.write("secret/shadow", '{"a":1}', { mode: 0o600 });
    for (const name of [document, "var/cells/certs", "var/cells/tls-gateway"]) {
      machine.reset();
      machine.write("secret/shadow", '{"a":1}', { mode: 0o600 });
      layCells();
      symlinkSync(machine.at(name === document ? "secret/shadow" : "secret"), machine.at(name));
      await machine.install(machine.plan("cells", asStranger));
      expect(owner("secret/shadow")).toBe("0:0 0600");
      expect(readFileSync(machine.at("secret/shadow"), "utf8")).toBe('{"a":1}');
      expect(machine.foreign("secret")).toBe("");
    }
  });

  it("works in the folder of Cells with the rights of its account, and has root stop and start it", async () => {
    layCells();
    machine.write(document, '{"a":"secret"}', { mode: 0o600, owner: stranger.id });
    const note = (what: string) => `echo ${what} $(id -u) >>${machine.at("secret/log")}`;
    const install = { stop: note("stop"), reload: note("start") };
    for (const version of [0, 1]) {
      const plan = machine.plan("cells", { ...asStranger, install, version });
      const ran = await machine.install(plan);
      expect(ran).toMatchObject({ status: 0, stderr: "", stdout: expect.stringContaining("web: installed ") });
      expect((await machine.install(plan)).stdout).toContain("nothing to do");
    }
    expect(readFileSync(machine.at("secret/log"), "utf8")).toBe("stop 0\nstart 0\nstop 0\nstart 0\n");
    expect(owner(document)).toBe(`${stranger.id}:${stranger.id} 0600`);
    expect(JSON.parse(readFileSync(machine.at(document), "utf8"))).toMatchObject({
      a: "secret",
      defaults: { sites: [{ Binds: ["127.0.0.1:444"] }] },
    });
    expect(machine.foreign("secret")).toBe("");
  });

  it("has those rights by setpriv, runuser or su, and does not begin where there is none of them", async () => {
    const programs = ["setpriv", "runuser", "su"];
    for (const [place, program] of [...programs, "none"].entries()) {
      machine.reset();
      layCells();
      machine.write(document, "{}", { mode: 0o600, owner: stranger.id });
      for (const missing of programs.slice(0, place))
        machine.write(`bin/${missing}`, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      const ran = await machine.install(machine.plan("cells", asStranger));
      expect({ program, ...ran }).toMatchObject(
        program === "none"
          ? { status: 3, stderr: expect.stringContaining("install setpriv, runuser or su") }
          : { status: 0, stderr: "" },
      );
      expect(owner(document)).toBe(`${stranger.id}:${stranger.id} 0600`);
    }
  });

  it("goes back when root can't start the server again, and shows why", async () => {
    layCells();
    machine.write(document, '{"a":"secret"}', { mode: 0o600, owner: stranger.id });
    const install = { reload: "echo no room; false" };
    const failed = await machine.install(machine.plan("cells", { ...asStranger, install }));
    expect(failed).toMatchObject({ status: 2, stderr: expect.stringContaining("  | no room\n") });
    expect(readFileSync(machine.at(document), "utf8")).toBe('{"a":"secret"}');
  });

  it("is undone in the folder of Cells with the rights of its account", async () => {
    layCells();
    const plan = machine.plan("cells", asStranger);
    expect(await machine.install(plan)).toMatchObject({ status: 0, stderr: "" });
    expect(await machine.uninstall(plan)).toMatchObject({ status: 0 });
    expect(existsSync(machine.at("var/cells/tls-gateway"))).toBe(false);
  });

  it("asks for the folder that an earlier release left to root within the folder of Cells", async () => {
    layCells();
    mkdirSync(machine.at("var/cells/tls-gateway/sets"), { recursive: true });
    expect(await machine.install(machine.plan("cells", asStranger))).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/by chown -hR 65534 \S+var\/cells\/tls-gateway$/m),
    });
  });

  it("makes a copy anew whose text was the same, and was read by more", async () => {
    const plan = machine.plan("traefik", asStranger);
    expect(await machine.install(plan)).toMatchObject({ status: 0, stderr: "" });
    expect(owner("etc/traefik/dynamic/tls-gateway.yml")).toBe("0:0 0644");
    const files = plan.files.map((file) => ({ ...file, mode: "0640" }));
    expect(await machine.install({ ...plan, files, contentHash: "0".repeat(64) })).toMatchObject({
      status: 0,
      stderr: "",
    });
    expect(owner("etc/traefik/dynamic/tls-gateway.yml")).toBe(`0:${stranger.id} 0640`);
  });

  it("keeps owner and mode of the document of a Cells whose folder is root's", async () => {
    machine.write(document, '{"a":"secret"}', { mode: 0o660, owner: stranger.id });
    expect(await machine.install(machine.plan("cells", asStranger))).toMatchObject({ status: 0, stderr: "" });
    expect(owner(document)).toBe(`${stranger.id}:${stranger.id} 0660`);
    expect(readFileSync(machine.at(document), "utf8")).toContain('"defaults"');
  });

  it("does not begin where a folder on the way belongs to somebody else, or everybody may change it", async () => {
    const ways: readonly (readonly [path: string, change: (path: string) => void, message: RegExp])[] = [
      ["etc/nginx", (path) => chownSync(path, stranger.id, 0), /etc\/nginx belongs to the user 65534/],
      ["etc/nginx/conf.d", (path) => chownSync(path, stranger.id, 0), /conf\.d belongs to the user 65534/],
      ["etc/nginx/conf.d", (path) => chmodSync(path, 0o777), /conf\.d can be changed by others/],
      ["etc/nginx/conf.d", (path) => chmodSync(path, 0o1777), /conf\.d can be changed by others/],
      ["etc/nginx/tls-gateway", (path) => chownSync(path, stranger.id, 0), /tls-gateway belongs to the user 65534/],
      [
        "etc/nginx/tls-gateway/sets",
        (path) => chownSync(path, stranger.id, 0),
        /tls-gateway\/sets belongs to somebody/,
      ],
    ];
    for (const [path, change, message] of ways) {
      machine.reset();
      mkdirSync(machine.at(path), { recursive: true });
      change(machine.at(path));
      const refused = await machine.install(machine.plan("nginx"));
      expect(refused.stderr).toMatch(message);
      expect([1, 3]).toContain(refused.status);
      expect(existsSync(machine.at("etc/nginx/conf.d/tls-gateway.conf"))).toBe(false);
    }
  });

  it("follows a link of root, and none of somebody else", async () => {
    mkdirSync(machine.at("etc/real"), { recursive: true });
    symlinkSync("real", machine.at("etc/nginx"));
    expect(await machine.install(machine.plan("nginx"))).toMatchObject({ status: 0, stderr: "" });
    machine.reset();
    mkdirSync(machine.at("var/theirs"));
    mkdirSync(machine.at("etc/real"));
    symlinkSync(machine.at("etc/real"), machine.at("var/theirs/link"));
    chownSync(machine.at("var/theirs"), stranger.id, stranger.id);
    symlinkSync(machine.at("var/theirs/link"), machine.at("etc/nginx"));
    const refused = await machine.install(machine.plan("nginx"));
    expect(refused).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("var/theirs belongs to the user 65534"),
    });
  });
}
