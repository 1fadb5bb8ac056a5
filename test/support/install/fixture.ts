// Guards: an install script that is tried on a server of ours before a real one: a folder that plays the machine, a TLS
// server that serves what its "reload" read, and a look at what a server that starts at this moment would read.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer, type Server } from "node:tls";
import { contentHash, type InstallPlan, renderInstallScript } from "../../../provider/src/gateway/install/script";
import type { GatewayInstall } from "../../../provider/src/gateway/model/kind";
import { type IssuedPair, leafExtensions, OpensslPki } from "../x509/openssl-pki";

/** What a run of a script came to. */
export interface ScriptRun {
  /** Exit status; null when it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A name in the shell's sense, and its arguments before a script. */
export type Shell = readonly [program: string, ...args: string[]];

/** Runs a script from its standard input, as `ssh host sh <script` does. */
export async function runScript(
  shell: Shell,
  script: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ScriptRun> {
  const [program, ...args] = shell;
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: "pipe", detached: true });
  // a machine that loses its power loses what the shell started too
  child.once("exit", (_, signal) => {
    if (signal === "SIGKILL") killGroup(child.pid);
  });
  const parts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    parts.stdout += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    parts.stderr += part;
  });
  // a script that ends early does not read all of it
  child.stdin.on("error", () => {});
  child.stdin.end(script);
  // not "exit": what the shell started may still be at work
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...parts };
}

/** Ends the rest of a group that was started here. */
function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch {
    // nobody was left
  }
}

/** The sets of files that a plan of {@link InstallMachine.plan} may name. */
export interface PlanChanges {
  readonly install?: Partial<GatewayInstall>;
  /** Another key than the certificate's. */
  readonly key?: number;
  /** False is refused by the server's check. */
  readonly isGood?: boolean;
  /** Seconds until the server must show the certificate: by default more than a busy machine needs. */
  readonly patience?: number;
}

/** {@link InstallMachine.versions} when all are of one version. */
export function whole(version: number): Readonly<Record<string, number>> {
  const parts = ["configuration", "certificate", "key", "outsideCertificate", "outsideKey"];
  return Object.fromEntries(parts.map((part) => [part, version]));
}

/** A folder that plays a machine, with a TLS server. `remove` it at the end. */
export class InstallMachine {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "install-")));
  readonly directory = this.at("gw");
  readonly pairs: readonly IssuedPair[];
  #server: Server | undefined;
  #saved: string | undefined;
  port = 0;

  constructor(versions = 6) {
    const pki = new OpensslPki();
    try {
      this.pairs = Array.from({ length: versions }, () => pki.issue("a", { extensions: leafExtensions("DNS:a.test") }));
    } finally {
      pki.remove();
    }
    mkdirSync(this.at("etc"));
    mkdirSync(this.at("app"));
    writeFileSync(this.at("reload.sh"), this.#reloadScript());
  }

  at(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  read(...parts: readonly string[]): string | undefined {
    return existsSync(this.at(...parts)) ? readFileSync(this.at(...parts), "utf8") : undefined;
  }

  write(path: string, text: string): void {
    writeFileSync(this.at(path), text);
  }

  async start(): Promise<void> {
    const server = createServer({
      SNICallback: (_, answer) => {
        const [cert, key] = [this.read("loaded", "a.pem"), this.read("loaded", "a-key.pem")];
        if (cert === undefined || key === undefined) answer(new Error("nothing is loaded"));
        else answer(null, createSecureContext({ cert, key }));
      },
    });
    server.on("tlsClientError", () => {});
    server.on("secureConnection", (socket) => socket.on("error", () => {}).end());
    await once(server.listen(0, "127.0.0.1"), "listening");
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async remove(): Promise<void> {
    if (this.#server !== undefined) await once(this.#server.close(), "close");
    rmSync(this.root, { recursive: true });
    if (this.#saved !== undefined) rmSync(this.#saved, { recursive: true });
  }

  /** An empty machine, whose server goes on. */
  reset(): void {
    const files = ["fail-reload", "fail-installed", "serve-wrong", "wrong", "second", "stopped"];
    for (const name of ["gw", "etc", "app", "loaded", "loading", "mixed", ...files]) {
      rmSync(this.at(name), { recursive: true, force: true });
    }
    for (const name of ["etc", "app"]) mkdirSync(this.at(name));
  }

  /** Keeps the machine as it is now, for {@link restore}. */
  save(): void {
    this.#saved ??= mkdtempSync(join(tmpdir(), "install-saved-"));
    rmSync(this.#saved, { recursive: true });
    cpSync(this.root, this.#saved, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }

  restore(): void {
    for (const name of ["gw", "etc", "app", "loaded", "loading", "mixed"]) {
      rmSync(this.at(name), { recursive: true, force: true });
      const saved = join(this.#saved ?? "", name);
      const options = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
      if (existsSync(saved)) cpSync(saved, this.at(name), options);
    }
  }

  /** The plan of a version: a linked and a copied configuration, a pair in the set and one outside, a merged document. */
  plan(version: number, changes: PlanChanges = {}): InstallPlan {
    const pair = this.pairs[version] as IssuedPair;
    const key = this.pairs[changes.key ?? version] as IssuedPair;
    const current = `${this.directory}/current`;
    const configuration = {
      ...{ version, isGood: changes.isGood ?? true, cert: `${current}/certs/a.pem`, text: 'it\'s $HOME `id` \\n "x"' },
      defaults: { sites: [{ version }] },
    };
    const files = [
      { path: `${current}/server.json`, mode: "0644", content: `${JSON.stringify(configuration, null, 2)}\n` },
      { path: `${current}/certs/a.pem`, mode: "0644", content: pair.pem },
      { path: `${current}/certs/a-key.pem`, mode: "0600", content: key.keyPem },
      { path: this.at("app/web.pem"), mode: "0644", content: pair.pem },
      { path: this.at("app/web-key.pem"), mode: "0600", content: key.keyPem },
    ].map((file) => ({ ...file, isSecret: file.path.includes("-key") }));
    const install: GatewayInstall = {
      ...{ directory: this.directory, configurationFile: "server.json" },
      entries: [
        { path: this.at("etc/server.json"), file: "server.json", how: "link" },
        { path: this.at("etc/copy.json"), file: "server.json", how: "copy" },
      ],
      mergeInto: this.at("app/pydio.json"),
      check: `grep -q '"isGood": true' "$set/check/server.json" && test -s "$(sed -n 's/^ *"cert": "\\(.*\\)",$/\\1/p' "$set/check/server.json")" || { echo "line 3: not good"; exit 1; }`,
      checkInstalled: `test ! -e ${this.at("fail-installed")} || { echo "not as a whole"; false; }`,
      reload: `sh ${this.at("reload.sh")}`,
      probes: [{ address: "127.0.0.1", port: this.port, serverName: "a.test", certificate: `${current}/certs/a.pem` }],
      ...changes.install,
    };
    return { gateway: "web", kind: "fake", install, files, contentHash: contentHash({ kind: "fake", install, files }) };
  }

  script(version: number, changes?: PlanChanges): string {
    const { patience = 60 } = changes ?? {};
    return renderInstallScript(this.plan(version, changes)).replace(/^ {2}patience=\d+$/m, `  patience=${patience}`);
  }

  /** What a server that starts now would read: the version of each part, undefined for what is not there. */
  versions(): Readonly<Record<string, number | string | undefined>> {
    const pem = (text: string | undefined): number | string | undefined => {
      const found = this.pairs.findIndex((pair) => pair.pem === text || pair.keyPem === text);
      return found < 0 ? text : found;
    };
    const configuration = this.read("etc/server.json");
    const isOurs = configuration?.startsWith("{") === true;
    return {
      configuration: isOurs ? (JSON.parse(configuration) as { version: number }).version : configuration,
      certificate: isOurs ? pem(this.read("gw/current/certs/a.pem")) : undefined,
      key: isOurs ? pem(this.read("gw/current/certs/a-key.pem")) : undefined,
      outsideCertificate: pem(this.read("app/web.pem")),
      outsideKey: pem(this.read("app/web-key.pem")),
    };
  }

  /** Reads the places as a server does; a pair that does not match leaves the file `mixed`. */
  #reloadScript(): string {
    return `
if [ -e ${this.at("fail-reload")} ]; then echo "reload says no"; exit 1; fi
rm -rf ${this.at("loading")}
mkdir ${this.at("loading")}
if grep -q version ${this.at("etc/server.json")} 2>/dev/null; then
  cat ${this.at("etc/server.json")} >${this.at("loading/server.json")} || exit 1
  cat ${this.directory}/current/certs/a.pem >${this.at("loading/a.pem")} || exit 1
  cat ${this.directory}/current/certs/a-key.pem >${this.at("loading/a-key.pem")} || exit 1
  [ "$(openssl x509 -in ${this.at("loading/a.pem")} -noout -pubkey)" = "$(openssl pkey -in ${this.at("loading/a-key.pem")} -pubout)" ] || echo mixed >>${this.at("mixed")}
  [ ! -e ${this.at("serve-wrong")} ] || cp ${this.at("wrong")}/* ${this.at("loading")}
fi
rm -rf ${this.at("loaded")}
mv ${this.at("loading")} ${this.at("loaded")}
`;
  }
}
