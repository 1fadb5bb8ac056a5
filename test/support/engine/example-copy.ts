// Guards: an example that runs only where its author ran it, programs that it leaves running, and keys that it shows. One
// example in a copy of its own with ports of its own, run as `npm run up -- <example>` runs it once everything is set up.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { descendantsOf, listProcesses } from "../../../scripts/lib/processes.mjs";
import { requirePeer } from "../acme/challenge-test-server";
import { freePorts } from "../ports";
import { programFolder } from "./engine";
import { findLeaks } from "./secret-scan";

const run = promisify(execFile);

/** What runs and sessions of examples make. */
const madeFolders = ["local-ca", ".tls-gateway", "nginx"];

/** What a copy is made of. */
export interface ExampleCopyOptions {
  /** The example's folder. */
  readonly name: string;
  /** Examples that it imports from. */
  readonly beside: readonly string[];
  /** The ports in its Pulumi.yaml, each of which becomes a free one. */
  readonly ports: readonly number[];
  /** How the names of programs that its session starts begin; the system shows 15 characters of them. */
  readonly programs: readonly string[];
}

/** A copy of an example. */
export class ExampleCopy {
  /** The copy of the example's folder. */
  readonly folder: string;
  /** All that was printed. */
  readonly printed: string[] = [];
  readonly #root: string;
  readonly #options: ExampleCopyOptions;
  readonly #ports: ReadonlyMap<number, number>;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(root: string, options: ExampleCopyOptions, ports: ReadonlyMap<number, number>) {
    [this.#root, this.#options, this.#ports] = [root, options, ports];
    this.folder = join(root, "examples", options.name);
    const path = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(delimiter);
    this.#environment = { ...process.env, NODE_NO_WARNINGS: "1", PATH: path };
  }

  static async make(options: ExampleCopyOptions): Promise<ExampleCopy> {
    const root = mkdtempSync(join(tmpdir(), `tls-gateway-${options.name}-`));
    const examples = [options.name, ...options.beside].map((name) => `examples/${name}`);
    for (const part of ["scripts", "tools", ...examples]) {
      // what the developer's own runs made stays with them
      const made = madeFolders.map((name) => join(programFolder, part, name));
      const filter = (source: string) => !made.includes(source);
      cpSync(join(programFolder, part), join(root, part), { recursive: true, filter });
    }
    for (const part of ["node_modules", "provider"]) symlinkSync(join(programFolder, part), join(root, part));
    const free = await freePorts(options.ports.length);
    const copy = new ExampleCopy(root, options, new Map(options.ports.map((port, index) => [port, free[index] ?? 0])));
    const text = options.ports.reduce((all, port) => {
      if (!all.includes(`${port}`)) throw new TypeError(`${options.name}/Pulumi.yaml has no port ${port}`);
      return all.replaceAll(`${port}`, `${copy.port(port)}`);
    }, copy.read("Pulumi.yaml"));
    writeFileSync(join(copy.folder, "Pulumi.yaml"), text);
    return copy;
  }

  /** The port that stands for one of Pulumi.yaml. */
  port(ofExample: number): number {
    return this.#ports.get(ofExample) ?? 0;
  }

  /** Another CA in Pulumi.yaml, without the settings that README says are gone then; what the local CA has made goes. */
  moveTo(directory: string, gone: readonly string[]): void {
    const text = gone.reduce((all, setting) => {
      const block = new RegExp(`^ {2}${setting}:\\n(?: {4}.*\\n)+`, "m");
      if (!block.test(all)) throw new TypeError(`Pulumi.yaml has no ${setting}`);
      return all.replace(block, "");
    }, this.read("Pulumi.yaml"));
    writeFileSync(
      join(this.folder, "Pulumi.yaml"),
      text.replace(/default: https:\/\/localhost.*/, `default: ${directory}`),
    );
    rmSync(join(this.folder, "local-ca"), { recursive: true });
  }

  /** A file of the copy. */
  read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }

  /** What `npm run <command> -- <example>` prints on stdout; rejects with all that was printed when it fails. */
  async script(command: "up" | "preview" | "destroy", env: NodeJS.ProcessEnv = {}): Promise<string> {
    const args = [join(this.#root, "scripts/lib/run-example.mjs"), command, this.#options.name];
    const options = { cwd: this.#root, env: { ...this.#environment, ...env }, timeout: 400_000 };
    try {
      const { stdout, stderr } = await run(process.execPath, args, options);
      this.printed.push(stdout, stderr);
      return stdout;
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
      this.printed.push(stdout, stderr);
      throw new Error(`${command} of ${this.#options.name} failed:\n${stdout}${stderr}`);
    }
  }

  /** The outputs of a resource in Pulumi's state: `<type> <name>`. */
  outputs(resource: string): Readonly<Record<string, unknown>> {
    const file = join(this.#root, `.pulumi-local/state/.pulumi/stacks/${this.#options.name}/local.json`);
    const { resources } = JSON.parse(readFileSync(file, "utf8")).checkpoint.latest;
    const [type, name] = resource.split(" ");
    const found = resources.find(
      (one: { readonly urn: string; readonly type: string }) =>
        one.type.endsWith(`:${type}`) && one.urn.endsWith(`::${name}`),
    );
    if (found === undefined) throw new TypeError(`the state has no ${resource}`);
    return found.outputs;
  }

  /** What `openssl verify` says of an `AcmeCertificate` in the state, by the local CA's root alone. */
  verify(name: string, hostname: string): string {
    const { certPem, issuerPem } = this.outputs(`AcmeCertificate ${name}`);
    const cwd = join(this.folder, "local-ca");
    writeFileSync(join(cwd, "leaf.pem"), String(certPem));
    writeFileSync(join(cwd, "issuers.pem"), String(issuerPem));
    const trust = ["-CAfile", "root.pem", "-no-CApath", "-no-CAstore", "-untrusted", "issuers.pem", "-x509_strict"];
    const args = ["verify", ...trust, "-verify_hostname", hostname, "leaf.pem"];
    return execFileSync("openssl", args, { cwd, encoding: "utf8" });
  }

  /** Programs of the session that run on, and ports of it that something listens on. */
  async remains(): Promise<readonly string[]> {
    const own = new Set(descendantsOf(process.pid).map(({ pid }) => pid));
    const left = listProcesses()
      .filter(({ command }) => this.#options.programs.some((name) => command.startsWith(name)))
      // an orphan is nobody's child, and still has its working folder
      .filter(({ pid }) => own.has(pid) || workingFolderOf(pid).startsWith(this.#root))
      .map(({ command }) => command);
    const open = await Promise.all([...this.#ports.values()].map(async (port) => ((await isOpen(port)) ? [port] : [])));
    return [...left, ...open.flat().map((port) => `port ${port}`)];
  }

  /** What differs from run to run is masked, so that README's text can be compared with what was printed. */
  asShown(text: string): string {
    return [...this.#ports]
      .reduce((all, [shown, real]) => all.replaceAll(`${real}`, `${shown}`), text)
      .replaceAll(this.#root, "")
      .replace(/\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?/g, "<date>")
      .replace(/\d+ of 90 days/g, "<n> of 90 days")
      .replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, "<digest>")
      .replace(/\b[0-9a-f]{12,64}\b/g, "<hex>");
  }

  /** README's texts in fences, each up to its "…". */
  readmeTexts(): readonly string[] {
    const blocks = [...this.read("README.md").matchAll(/^( *)```text\n([\s\S]*?)\n *```/gm)];
    return blocks.map(([, indent = "", text = ""]) =>
      text.replaceAll(new RegExp(`^${indent}`, "gm"), "").replace(/ …$/, ""),
    );
  }

  /**
   * How many keys the state holds as ciphers, and findings of keys in clear: in what was printed, the state, and the example's
   * folder but for its `*-key.pem`, which must be the owner's alone.
   */
  async scanForKeys(): Promise<{ readonly count: number; readonly leaks: readonly string[] }> {
    const local = join(this.#root, ".pulumi-local");
    const env = {
      ...this.#environment,
      PULUMI_BACKEND_URL: `file://${join(local, "state")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(local, "passphrase"),
      PULUMI_HOME: join(local, "home"),
    };
    const cwd = join(local, "work", this.#options.name);
    const args = ["stack", "export", "--show-secrets", "--stack", "local"];
    const { stdout } = await run(requirePeer("pulumi").path, args, { cwd, env, maxBuffer: 64e6 });
    const files = listFiles(this.folder);
    const keyFiles = files.filter((file) => file.endsWith("-key.pem"));
    const open = keyFiles.filter((file) => (statSync(file).mode & 0o077) !== 0);
    const places = {
      "printed text": this.printed.join("\n"),
      state: readFiles(listFiles(local)),
      "example's folder": readFiles(files.filter((file) => !keyFiles.includes(file))),
    };
    if (!places.state.includes("example.com")) throw new TypeError("the state was not found");
    const count = new Set(stdout.match(/BEGIN PRIVATE KEY[^"]+?END PRIVATE KEY/g)).size;
    const leaks = findLeaks(`${stdout}\n${readFiles(keyFiles)}`, [], places);
    return { count, leaks: [...open.map((file) => `${file} is open to others`), ...leaks] };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** The working folder of a process, where the system shows it. */
function workingFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

async function isOpen(port: number): Promise<boolean> {
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

function listFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readFiles(files: readonly string[]): string {
  return files.map((file) => readFileSync(file, "latin1")).join("\n");
}
