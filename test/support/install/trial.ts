// The install script on a real server that runs: by the kind's own commands certificates change under load without one failed
// request, and what the server would not take, or does not do, leaves it with what it served.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ask, openSocket } from "../gateway/client";
import { openWebSocket } from "../gateway/websocket";
import { describeWithPeer } from "../peer";
import { freePorts } from "../ports";
import { isLong } from "../tier";
import { caExtensions, leafExtensions, OpensslPki } from "../x509/openssl-pki";
import type { Shell } from "./fixture";
import { startLoad } from "./load";
import { type TrialCertificates, TrialMachine, trialHost } from "./machine";
import type { InstallServer } from "./server";

/** Under load: twenty in the long tier, shared by the shells. */
const ROTATIONS = isLong ? 10 : 3;
/** Under systemd is the last one. */
const UNDER_SYSTEMD = ROTATIONS;
const shells: readonly Shell[] = [["dash"], ["busybox", "sh"]];
/** One that is never taken over. */
const REFUSED = ROTATIONS + 1;

/** Tries all of it, by dash and by busybox in the long tier, else by one of them. */
export function installTrial(server: InstallServer, usual: "dash" | "busybox"): void {
  describeWithPeer("openssl", () => {
    for (const shell of shells.filter(([program]) => isLong || program === usual)) {
      describeWithPeer(shell[0], () => {
        describe(`an install script for ${server.kind}`, () => serves(server, shell));
      });
    }
  });
}

function serves(server: InstallServer, shell: Shell): void {
  let certificates: TrialCertificates;
  let machine: TrialMachine;
  let text = "";

  beforeAll(async () => {
    certificates = issueVersions();
    machine = await TrialMachine.start(server, shell, certificates);
    const { replaced } = machine.installed;
    text = replaced === undefined ? "" : readFileSync(replaced, "utf8");
    expect(await machine.servesOwn()).toBe(true);
  });
  afterAll(() => machine?.stop());

  const target = () => ({ port: machine.port, tls: { servername: trialHost, ca: certificates.rootPem } });
  const host = () => `${trialHost}:${machine.port}`;
  /** Another program on a port of its own, to which the site is to move. */
  const onTakenPort = async (version: number) => {
    const [port = 0] = await freePorts(1);
    const taker = createServer((socket) => void socket.destroy()).listen(port, "127.0.0.1");
    await once(taker, "listening");
    const taken = await machine.install(version, { port, patience: 2 });
    await once(taker.close(), "close");
    return taken;
  };

  it("goes back to what the server did before when the first installation fails: the port is another's", async () => {
    const taken = await onTakenPort(0);
    expect(taken).toMatchObject({ status: 1, stderr: expect.stringMatching(machine.installed.taken) });
    expect(taken.stderr).toContain("what was there before serves");
    expect(await machine.servesOwn()).toBe(true);
    const { replaced } = machine.installed;
    if (replaced !== undefined) expect(readFileSync(replaced, "utf8")).toBe(text);
    expect(readdirSync(join(machine.folder, "tls-gateway/sets"))).toEqual([]);
  });

  it("installs on a server that runs with something else, and does nothing the second time", async () => {
    const first = await machine.install(0);
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toContain("verified: 1 handshake shows the certificate of this set");
    expect(await machine.served()).toBe(0);
    const { replaced } = machine.installed;
    if (replaced === undefined) expect(await machine.servesOwn()).toBe(true);
    else expect(readFileSync(`${replaced}.before-tls-gateway`, "utf8")).toBe(text);
    expect(await machine.install(0)).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to do") });
  });

  it("changes the certificate under load without a failed request, and keeps what is open", async () => {
    const { rootPem } = certificates;
    const { resetsWaiting = false } = server;
    const load = startLoad({ port: machine.port, host: trialHost, rootPem, resetsWaiting });
    const tunnel = server.keepsTunnels ? await openWebSocket(await openSocket(target()), { host: host() }) : undefined;
    for (let version = 1; version <= ROTATIONS; version++) {
      // one request is at the upstream, whose answer is half way, while the server changes
      const arrived = machine.upstream.partArrived();
      const request = { host: host(), method: "POST", body: Buffer.from("x"), answer: { halves: true } } as const;
      const slow = version % 3 === 1 ? ask(target(), request) : undefined;
      if (slow !== undefined) await arrived;
      if (version === UNDER_SYSTEMD) machine.makeFolder("systemd");
      expect(await machine.install(version)).toMatchObject({ status: 0, stderr: "" });
      if (version === UNDER_SYSTEMD) rmSync(machine.systemd, { recursive: true });
      expect(await machine.served()).toBe(version);
      machine.upstream.release();
      if (slow !== undefined) expect(await slow).toMatchObject({ status: 200, text: "firstsecond" });
      // however busy the machine is, clients of both sorts meet every version
      const { anew, kept } = load.count;
      const pem = certificates.pairs[version]?.pem ?? "";
      const isMet = () => load.count.certificates.has(pem) && load.count.anew > anew + 4 && load.count.kept > kept + 4;
      while (!isMet() && load.count.failures.length === 0) await pause(5);
    }
    const count = await load.stop();
    console.info(
      `${server.kind}, ${shell[0]}: ${count.anew} anew, ${count.kept} kept, ${count.reopened} reopened, ${count.reset} reset`,
    );
    expect(count.failures).toEqual([]);
    // each of the four clients at most once at each reload
    expect(count.reset).toBeLessThanOrEqual(4 * ROTATIONS);
    const seen = certificates.pairs.flatMap(({ pem }, version) => (count.certificates.has(pem) ? [version] : []));
    expect(seen).toEqual([...Array(ROTATIONS + 1).keys()]);
    expect(machine.systemctlCalls()).toMatch(server.kind === "caddy" ? /^daemon-reload$/m : /^reload-or-restart /m);
    if (tunnel !== undefined) {
      tunnel.send("still there");
      expect([await tunnel.next(), await tunnel.next()]).toEqual(["hello /ws/echo", "still there"]);
      tunnel.close();
    }
  });

  it("leaves the server alone when a set is not whole: a text that it can't read, a key of another certificate", async () => {
    const broken = await machine.install(REFUSED, { appended: "\nno such } directive\n" });
    expect(broken).toMatchObject({ status: 1, stderr: expect.stringContaining("own check says no to this") });
    expect(await machine.served()).toBe(ROTATIONS);
    const mismatch = await machine.install(REFUSED, { key: 0 });
    expect(mismatch).toMatchObject({ status: 1, stderr: expect.stringMatching(/private key .* does not belong to/) });
    expect(await machine.served()).toBe(ROTATIONS);
  });

  it("goes back when only the whole configuration is refused, or the port is another's", async () => {
    const { foreign, taken } = machine.installed;
    if (foreign !== undefined) {
      writeFileSync(foreign.path, foreign.text);
      const refused = await machine.install(REFUSED);
      rmSync(foreign.path);
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(foreign.message) });
    } else {
      expect(await onTakenPort(REFUSED)).toMatchObject({ status: 1, stderr: expect.stringMatching(taken) });
    }
    expect(await machine.served()).toBe(ROTATIONS);
  });

  it("goes back when a command says that the server was told, and did nothing", async () => {
    const lied = await machine.install(REFUSED, { options: { reloadCommand: "true" }, patience: 1 });
    expect(lied).toMatchObject({ status: 1, stderr: expect.stringContaining("serves another certificate for a.test") });
    expect(await machine.served()).toBe(ROTATIONS);
    expect(await machine.install(ROTATIONS)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("nothing to do"),
    });
  });

  it("is removed, and the server does what it did before", async () => {
    expect(await machine.remove()).toMatchObject({ status: 0, stderr: "" });
    expect(await machine.servesOwn()).toBe(true);
    // old workers listen until the new ones have told them to end
    await vi.waitFor(() => expect(machine.served()).rejects.toMatchObject({ code: "ECONNREFUSED" }), 60_000);
    expect(existsSync(join(machine.folder, "tls-gateway"))).toBe(false);
    expect(execFileSync("find", [machine.folder, "-name", "*tls-gateway*"], { encoding: "utf8" })).toBe("");
    const { replaced } = machine.installed;
    if (replaced !== undefined) expect(readFileSync(replaced, "utf8")).toBe(text);
  });
}

/** A version for each rotation, the first installation, and the one that is refused. */
function issueVersions(): TrialCertificates {
  const pki = new OpensslPki();
  try {
    const root = pki.issue("Root", { extensions: caExtensions() });
    const extensions = leafExtensions(`DNS:${trialHost}`);
    const pairs = Array.from({ length: REFUSED + 1 }, (_, version) =>
      pki.issue(`version ${version}`, { issuer: root, extensions }),
    );
    return { rootPem: root.pem, pairs };
  } finally {
    pki.remove();
  }
}
