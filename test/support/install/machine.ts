// Guards: an install script that is tried on a server of ours. One folder with a running server of a real kind, and the
// plans by which certificates, ports and commands of its one site change.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import {
  contentHash,
  type InstallPlan,
  renderInstallScript,
  renderRemoveScript,
} from "../../../provider/src/gateway/install/script";
import type { GatewayInstall } from "../../../provider/src/gateway/model/kind";
import { acceptedSites } from "../gateway/cells-sites";
import { ask } from "../gateway/client";
import { kindNamed } from "../gateway/server";
import { type GatewayUpstream, startUpstream } from "../gateway/upstream";
import { freePorts } from "../ports";
import type { IssuedPair } from "../x509/openssl-pki";
import { runScript, type ScriptRun, type Shell } from "./fixture";
import { type InstalledServer, type InstallServer, layPrograms, startInBackground } from "./server";

/** The name of the one site. */
export const trialHost = "a.test";

/** What is served: a root, and certificates of it for {@link trialHost}. */
export interface TrialCertificates {
  readonly rootPem: string;
  readonly pairs: readonly IssuedPair[];
}

/** What is other than with the certificate alone. */
export interface TrialChanges {
  /** The key of another certificate. */
  readonly key?: number;
  readonly port?: number;
  /** Of the kind. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** After the configuration. */
  readonly appended?: string;
  /** Seconds until the server must show it: by default more than a busy machine needs. */
  readonly patience?: number;
}

/** A running server on which scripts are tried; `stop` it at the end. */
export class TrialMachine {
  // a server in it may not be root's
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "install-trial-")));
  readonly installed: InstalledServer;
  readonly port: number;
  readonly #ownPort: number;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(
    readonly server: InstallServer,
    readonly shell: Shell,
    readonly certificates: TrialCertificates,
    readonly upstream: GatewayUpstream,
    [ownPort = 0, sparePort = 0, port = 0]: readonly number[],
  ) {
    this.port = port;
    this.#ownPort = ownPort;
    this.installed = server.lay({ folder: this.folder, ownPort, sparePort });
    this.#environment = layPrograms(server.kind, this.folder, this.installed);
  }

  /** Sets a server up that answers "own", and starts it. */
  static async start(server: InstallServer, shell: Shell, certificates: TrialCertificates): Promise<TrialMachine> {
    const upstream = await startUpstream({ label: "upstream" });
    const machine = new TrialMachine(server, shell, certificates, upstream, await freePorts(3));
    startInBackground(machine.installed, machine.#environment);
    return machine;
  }

  async stop(): Promise<void> {
    await this.installed.stop();
    await this.upstream.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** The folder by which the commands see whether systemd runs the machine. */
  get systemd(): string {
    return join(this.folder, "systemd");
  }

  /** Words of the calls of systemctl so far. */
  systemctlCalls(): string {
    return readFileSync(join(this.folder, "systemctl.log"), "utf8");
  }

  plan(version: number, { key = version, port = this.port, options, appended = "" }: TrialChanges = {}): InstallPlan {
    const kind = kindNamed(this.server.kind);
    const directory = join(this.folder, "tls-gateway");
    const parsed = kind.parseOptions({ ...this.installed.options, directory, ...options });
    const sites = acceptedSites({
      ...{ name: "a", binds: [`127.0.0.1:${port}`], hostnames: [trialHost], tls: { certificate: { name: "a" } } },
      upstream: { url: `http://127.0.0.1:${this.upstream.port}` },
    });
    const problems = kind.checkSites(sites, parsed);
    if (problems.length > 0) throw new Error(problems.map((one) => JSON.stringify(one)).join("\n"));
    const install = this.#relocated(kind.install?.(sites, parsed));
    const { configuration, texts = {} } = kind.render(sites, parsed);
    const written = { [`${directory}/current/${install.configurationFile}`]: configuration + appended, ...texts };
    const files = [
      ...Object.entries(written).map(([path, content]) => ({ path, content, mode: "0644", isSecret: false })),
      ...kind.files(sites, parsed).map(({ path, mode, source }) => {
        const { part } = source;
        const [pem = "", keyPem = ""] = [this.certificates.pairs[version]?.pem, this.certificates.pairs[key]?.keyPem];
        const content = part === "privateKeyPem" ? keyPem : part === "certPem" ? pem : pem + keyPem;
        return { path, mode, content, isSecret: content.includes(keyPem) };
      }),
    ];
    const hash = contentHash({ kind: this.server.kind, install, files });
    return { gateway: "web", kind: this.server.kind, install, files, contentHash: hash };
  }

  /** Whether systemd runs the machine is ours to say. */
  #relocated(install: GatewayInstall | undefined): GatewayInstall {
    const text = JSON.stringify(install ?? {}).replaceAll("/run/systemd/system", this.systemd);
    return JSON.parse(text) as GatewayInstall;
  }

  install(version: number, changes: TrialChanges = {}): Promise<ScriptRun> {
    const script = renderInstallScript(this.plan(version, changes));
    const { patience = 60 } = changes;
    const patient = script.replace(/^ {2}patience=\d+$/m, `  patience=${patience}`);
    return runScript(this.shell, patient, this.#environment);
  }

  remove(): Promise<ScriptRun> {
    const plan = this.plan(0);
    const paths = plan.files.map(({ path }) => path);
    return runScript(this.shell, renderRemoveScript({ ...plan, paths }), this.#environment);
  }

  /** The version of the certificate that a handshake shows; chain and name are verified. */
  async served(port = this.port): Promise<number> {
    const ca = this.certificates.rootPem;
    const socket: TLSSocket = connectTls({ host: "127.0.0.1", port, servername: trialHost, ca });
    await once(socket, "secureConnect");
    const pem = socket.getPeerX509Certificate()?.toString();
    socket.destroy();
    return this.certificates.pairs.findIndex((pair) => pair.pem === pem);
  }

  /** Whether the server does what it did before anything was installed. */
  async servesOwn(): Promise<boolean> {
    const { text } = await ask({ port: this.#ownPort }, { host: "127.0.0.1" });
    return text === "own";
  }

  /** Below the server's folder. */
  makeFolder(path: string): void {
    mkdirSync(join(this.folder, path));
  }
}
