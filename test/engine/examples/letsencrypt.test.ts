// examples/letsencrypt as it stands, in a copy of its own: what `npm run up` runs, with the local CA that it starts, judged
// by openssl, and by what is left of it afterwards.
import { execFile, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { descendantsOf, listProcesses } from "../../../scripts/lib/processes.mjs";
import { requirePeer } from "../../support/acme/challenge-test-server";
import { programFolder } from "../../support/engine/engine";
import { findLeaks } from "../../support/engine/secret-scan";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";

const run = promisify(execFile);
const EXAMPLE = "examples/letsencrypt";
/** The stack, account, certificate, a site and its gateway. */
const RESOURCES = 5;
const names = ["cells.example.com", "files.example.com"];
const SECOND_RUN = "=== Second run";

describeWithPeer("pebble", () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-letsencrypt-"));
  const local = join(folder, EXAMPLE, "local-ca");
  const project = join(folder, EXAMPLE, "Pulumi.yaml");
  const read = (file: string) => readFileSync(join(local, file), "utf8");
  const toolsPath = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(delimiter);
  const environment = { ...process.env, NODE_NO_WARNINGS: "1", PATH: toolsPath };
  const printed: string[] = [];
  const serials: string[] = [];
  let ports: { readonly acme: number; readonly challenge: number };

  /** What `npm run up` and the like run once everything is set up. */
  async function script(command: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const args = [join(folder, "scripts/lib/run-example.mjs"), command, "letsencrypt", ...flags];
    const options = { cwd: folder, env: { ...environment, ...env }, timeout: 400_000 };
    const { stdout, stderr } = await run(process.execPath, args, options);
    printed.push(stdout, stderr);
    return { stdout, stderr };
  }

  /** What it prints when it fails, as it has to. */
  async function failure(command: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stderr } = (await script(command, [], env).catch((error) => error)) as { stderr: string };
    expect(stderr).toContain(`${command} of letsencrypt failed`);
    return stderr;
  }

  /** Programs that this copy's CA consists of; none of another test, and none of the developer's. */
  function running(): readonly string[] {
    const commands = ["pebble", "pebble-challtest"];
    const own = new Set(descendantsOf(process.pid).map(({ pid }) => pid));
    // an orphan is nobody's child, and still has its working folder
    const ours = ({ pid }: { readonly pid: number }) => own.has(pid) || workingFolderOf(pid).startsWith(folder);
    return listProcesses()
      .filter((one) => commands.some((name) => one.command.startsWith(name)) && ours(one))
      .map(({ command }) => command);
  }

  async function expectNothingLeft(): Promise<void> {
    expect(running()).toEqual([]);
    for (const port of [ports.acme, ports.challenge]) expect([port, await isListening(port)]).toEqual([port, false]);
  }

  beforeAll(async () => {
    const made = ["local-ca", ".tls-gateway"].map((name) => join(programFolder, EXAMPLE, name));
    for (const part of ["scripts", "tools", EXAMPLE]) {
      // what the developer's own runs made stays with them
      const filter = (source: string) => !made.includes(source);
      cpSync(join(programFolder, part), join(folder, part), { recursive: true, filter });
    }
    for (const part of ["node_modules", "provider"]) symlinkSync(join(programFolder, part), join(folder, part));
    const [acme = 0, challenge = 0] = await freePorts(2);
    ports = { acme, challenge };
    const text = readFileSync(project, "utf8").replace("14000", `${acme}`).replace("5002", `${challenge}`);
    writeFileSync(project, text);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is shown by a preview that starts no CA: what is ordered, where, and by which challenge", async () => {
    const { stdout } = await script("preview");
    const where = `https://localhost:${ports.acme}/dir`;
    expect(stdout).toContain(`orders a certificate for ${names.join(", ")}; at ${where} by http-01 (a listener)`);
    expect(stdout).toContain(`finds the account of its key at ${where}, or makes it`);
    expect(stdout).toContain(`${RESOURCES} to create`);
    expect(readdirSync(local).sort()).toEqual(["server-key.pem", "server.pem"]);
  });

  it("orders in its first run, and renews in its second, since the CA says so, which the preview gives as the reason", async () => {
    const { stdout } = await script("up");
    const [first = "", second = ""] = stdout.split(SECOND_RUN);
    expect(first).toContain(`${RESOURCES} created`);
    expect(first).toMatch(/^ +cells +renews from \d{4}-\d\d-\d\d on, with \d+ days of 90 days left/m);
    expect(first).toMatch(/^ +cells\.example\.com, files\.example\.com +CN=Pebble Intermediate/m);
    const [preview = "", update = ""] = second.split("Updating (local)");
    for (const part of [first, update]) {
      expect(part).toMatch(/^files: \[secret\]$/m);
      serials.push(/^serialNumber: ([0-9a-f]+)$/m.exec(part)?.[1] ?? "");
    }
    const reason =
      /renews: valid until \S+, (89|90) of 90 days left, by the CA's window from \S+ to \S+, chosen \S+ \(why: https:\/\/ca\.example\/incidents\/1\)/;
    expect(preview).toMatch(reason);
    expect(preview).toContain("1 to update");
    expect(update).toContain("1 updated");
    expect(new Set(serials).size).toBe(2);
    expect(read("pebble.log").match(/Added order/g)).toHaveLength(2);
    await expectNothingLeft();
    // what README shows, up to "…"
    const readme = readFileSync(join(folder, EXAMPLE, "README.md"), "utf8");
    const shown = [...readme.matchAll(/```text\n([\s\S]*?)```/g)].map(([, text = ""]) =>
      text.trim().replace(/ …$/, ""),
    );
    expect(shown).toHaveLength(2);
    for (const text of shown) expect(withoutDates(stdout)).toContain(withoutDates(text));
  });

  it("has a certificate that openssl verifies by the local CA's root alone, for both names", () => {
    const { certPem, issuerPem, serialNumber } = certificateOfState();
    expect(serialNumber).toBe(serials[1]);
    writeFileSync(join(local, "leaf.pem"), certPem);
    writeFileSync(join(local, "issuers.pem"), issuerPem);
    for (const name of names) {
      const trust = ["-CAfile", "root.pem", "-no-CApath", "-no-CAstore", "-untrusted", "issuers.pem", "-x509_strict"];
      const args = ["verify", ...trust, "-verify_hostname", name, "leaf.pem"];
      expect(execFileSync("openssl", args, { cwd: local, encoding: "utf8" })).toBe("leaf.pem: OK\n");
    }
  });

  it("has nothing to do afterwards, and renews on a later day, though the CA is gone", async () => {
    expect((await script("preview")).stdout).toContain(`${RESOURCES} unchanged`);
    const later = new Date(Date.now() + 80 * 86_400_000).toISOString().slice(0, 10);
    const { stdout } = await script("preview", [], { TLS_GATEWAY_AS_OF: later });
    expect(stdout).toMatch(/renews: valid until \S+, \d+ of 90 days left/);
  });

  it("leaves nothing running when it is stopped in the middle", async () => {
    const args = ["up", "letsencrypt"];
    const child = fork(join(folder, "scripts/lib/run-example.mjs"), args, {
      cwd: folder,
      env: environment,
      silent: true,
    });
    let text = "";
    const isOrdering = new Promise<void>((resolve) => {
      child.stdout?.on("data", (part) => {
        text += part;
        if (text.includes("ordering a certificate")) resolve();
      });
    });
    const ended = once(child, "exit");
    await Promise.race([isOrdering, ended]);
    expect(running().length).toBe(2);
    child.send("stop");
    expect(await ended).toEqual([1, null]);
    printed.push(text);
    expect(text).not.toContain(SECOND_RUN);
    await expectNothingLeft();
  });

  it("begins anew after that: what the CA has forgotten is removed, which it says, and the rest is as before", async () => {
    const { stdout, stderr } = await script("up", ["--json"]);
    expect(stderr).toContain("What the last session left was removed: its CA is gone");
    expect(stderr).toContain(`${RESOURCES} created`);
    const { changes, outputs } = JSON.parse(stdout);
    expect(changes).toEqual({ same: RESOURCES - 1, update: 1 });
    expect(outputs.files).toBe("[secret]");
    expect(serials).not.toContain(outputs.serialNumber);
    expect(certificateOfState().serialNumber).toBe(outputs.serialNumber);
    await expectNothingLeft();
  });

  it("shows no key, and keeps none in clear", async () => {
    const pulumi = requirePeer("pulumi").path;
    const env = {
      ...environment,
      PULUMI_BACKEND_URL: `file://${join(folder, ".pulumi-local/state")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, ".pulumi-local/passphrase"),
      PULUMI_HOME: join(folder, ".pulumi-local/home"),
    };
    const cwd = join(folder, ".pulumi-local/work/letsencrypt");
    const { stdout: open } = await run(pulumi, ["stack", "export", "--show-secrets", "--stack", "local"], { cwd, env });
    // the account's, the one for a rehearsal, and the certificate's
    expect(new Set(open.match(/BEGIN PRIVATE KEY[^"]+/g)).size).toBe(3);
    expect((statSync(join(local, "server-key.pem")).mode & 0o777).toString(8)).toBe("600");
    const key = read("server-key.pem");
    rmSync(join(local, "server-key.pem"));
    const places = {
      "printed text": printed.join("\n"),
      state: readFolder(join(folder, ".pulumi-local")),
      "example's folder": readFolder(join(folder, EXAMPLE)),
    };
    writeFileSync(join(local, "server-key.pem"), key, { mode: 0o600 });
    expect(places.state).toContain("cells.example.com");
    expect(findLeaks(`${open}\n${key}`, [], places)).toEqual([]);
  });

  it("says which port is taken, and leaves nothing running", async () => {
    const other = createServer().listen(ports.acme, "127.0.0.1");
    await once(other, "listening");
    try {
      const text = await failure("up");
      expect(text).toContain(`The local CA does not answer at https://localhost:${ports.acme}/dir`);
      expect(text).toMatch(
        /address already in use$[\s\S]*^Give it another port in Pulumi\.yaml, config\.directory\.$/m,
      );
      expect(text).not.toMatch(/^ +at /m);
    } finally {
      const closed = once(other.close(), "close");
      other.closeAllConnections();
      await closed;
    }
    await expectNothingLeft();
  });

  it("says what to do where there is neither Pebble nor Go", async () => {
    const bare = join(folder, "bare");
    mkdirSync(bare);
    for (const name of ["pulumi", "openssl"]) symlinkSync(requirePeer(name).path, join(bare, name));
    const text = await failure("up", { PATH: bare, XDG_CACHE_HOME: bare });
    expect(text).toMatch(
      /^pebble is neither on PATH nor built, and there is no Go to build it: install Go \(https:\/\/go\.dev\/doc\/install\) and run this again, or put pebble \(github\.com\/letsencrypt\/pebble\S+@v\S+\) on PATH\.$/m,
    );
    expect(text).not.toMatch(/^ +at /m);
  });

  it("is gone after destroy", async () => {
    expect((await script("destroy")).stdout).toContain(`${RESOURCES} deleted`);
  });

  it("is the same program at Let's Encrypt, with the lines of Pulumi.yaml that README names: rehearsed, and no CA started", async () => {
    const before = readFileSync(project, "utf8");
    const changed = before
      .replace(/default: https:.*/, "default: letsencrypt")
      .replace(/ {2}caBundle:\n.*\n.*\n/, "")
      .replace(`default: ${ports.challenge}`, "default: 80");
    expect(changed.match(/default: .*/g)).toEqual(["default: letsencrypt", "default: 80"]);
    writeFileSync(project, changed);
    rmSync(local, { recursive: true });
    const { stdout } = await script("preview");
    expect(stdout).toContain("finds the account of its key at letsencrypt, or makes it");
    expect(stdout).toContain(
      `orders a certificate for ${names.join(", ")}; at letsencrypt by http-01 (a listener); rehearsed at letsencrypt-staging first`,
    );
    expect(existsSync(local)).toBe(false);
  });

  /** What Pulumi's state holds of the certificate. */
  function certificateOfState(): {
    readonly certPem: string;
    readonly issuerPem: string;
    readonly serialNumber: string;
  } {
    const file = join(folder, ".pulumi-local/state/.pulumi/stacks/letsencrypt/local.json");
    const { resources } = JSON.parse(readFileSync(file, "utf8")).checkpoint.latest;
    return resources.find(({ type }: { type: string }) => type.endsWith(":AcmeCertificate")).outputs;
  }
});

/** What differs from run to run: dates, days that are left, ports. */
function withoutDates(text: string): string {
  return text
    .replace(/\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?/g, "<date>")
    .replace(/\d+ of 90 days/g, "<n> of 90 days")
    .replace(/localhost:\d+/g, "localhost:<port>");
}

/** The working folder of a process, where the system shows it. */
function workingFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function readFolder(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("\n");
}
