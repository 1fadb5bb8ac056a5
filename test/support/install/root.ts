// Guards: what another user of a machine gains by a script that root runs there. Needs root, which is what it is about.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "vitest";
import {
  contentHash,
  type InstallPlan,
  renderInstallScript,
  renderRemoveScript,
} from "../../../provider/src/gateway/install/script";
import type { GatewayInstall } from "../../../provider/src/gateway/model/kind";
import { acceptedSites } from "../gateway/cells-sites";
import { kindNamed } from "../gateway/server";
import { type IssuedPair, leafExtensions, OpensslPki } from "../x509/openssl-pki";
import { runScript, type ScriptRun, type Shell } from "./fixture";

/** The account whose rights a service has, or an attacker: `nobody`, which every system has. */
export const stranger = {
  name: "nobody",
  id: 65534,
  /** Debian's name of it is nogroup. */
  group: execFileSync("id", ["-gn", "nobody"], { encoding: "utf8" }).trim(),
} as const;

/** A `describe` whose tests are skipped by name where root does not run them. */
export function describeAsRoot(title: string, tests: () => void): void {
  if (process.getuid?.() === 0) describe(title, tests);
  else it.skip(`${title}: the tests are not run by root`);
}

/** What a plan of {@link RootMachine.plan} has of its own. */
export interface RootPlanChanges {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly install?: Partial<GatewayInstall>;
  /** Counts the site's port up: each version is another set. */
  readonly version?: number;
  /** The kind's own command tells the server; by default nothing does. */
  readonly keepsReload?: true;
}

/** Folders of a machine that such scripts change, which stand below one of the test's. */
const systemFolders = /(?<![\w./-])\/(?=(?:etc|var|run)\/)/g;

/** A folder that plays a whole machine: everybody may enter it, and only root may change it. `remove` it at the end. */
export class RootMachine {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "install-root-")));
  readonly #pair: IssuedPair;

  constructor(readonly shell: Shell) {
    chmodSync(this.root, 0o755);
    const pki = new OpensslPki();
    try {
      this.#pair = pki.issue("a", { extensions: leafExtensions("DNS:a.test") });
    } finally {
      pki.remove();
    }
  }

  at(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  /** An empty machine. */
  reset(): void {
    for (const name of ["bin", "etc", "var", "run", "secret"]) rmSync(this.at(name), { recursive: true, force: true });
    for (const name of ["bin", "etc", "var", "run"]) mkdirSync(this.at(name));
    mkdirSync(this.at("secret"), { mode: 0o700 });
  }

  /** A file with the folders above it. */
  write(path: string, text: string, { mode = 0o644, owner = 0 } = {}): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
    chmodSync(this.at(path), mode);
    chownSync(this.at(path), owner, owner);
  }

  /** What somebody other than root owns below a folder. */
  foreign(folder = "."): string {
    return execFileSync("find", [this.at(folder), "!", "-user", "0"], { encoding: "utf8" });
  }

  /** A kind's own plan with this machine's paths. No server runs: its commands do nothing unless `changes` has others. */
  plan(name: string, changes: RootPlanChanges = {}): InstallPlan {
    const kind = kindNamed(name);
    const options = kind.parseOptions(changes.options ?? {});
    const sites = acceptedSites({
      ...{
        name: "a",
        binds: [`127.0.0.1:${443 + (changes.version ?? 0)}`],
        hostnames: ["a.test"],
        tls: { certificate: { name: "a" } },
      },
      upstream: { url: "http://127.0.0.1:8000" },
    });
    const relocate = (text: string) => text.replace(systemFolders, `${this.root}/`);
    const { check, checkInstalled, ...rest } = JSON.parse(
      relocate(JSON.stringify(kind.install?.(sites, options))),
    ) as GatewayInstall;
    const silent = { ...(!changes.keepsReload && { reload: "true" }), ...("stop" in rest && { stop: "true" }) };
    const install = { ...rest, ...silent, probes: [], ...changes.install };
    const { configuration, texts = {} } = kind.render(sites, options);
    const files = [
      ...Object.entries({ [`${install.directory}/current/${install.configurationFile}`]: configuration, ...texts }).map(
        ([path, content]) => ({ path: relocate(path), content: relocate(content), mode: "0644", isSecret: false }),
      ),
      ...kind.files(sites, options).map(({ path, mode, source: { part } }) => {
        const content = {
          ...{
            fullChainPem: this.#pair.pem,
            certPem: this.#pair.pem,
            issuerPem: this.#pair.pem,
            caPem: this.#pair.pem,
          },
          ...{ privateKeyPem: this.#pair.keyPem, haproxyPem: this.#pair.pem + this.#pair.keyPem },
        }[part];
        return { path: relocate(path), mode, content, isSecret: content.includes("PRIVATE KEY") };
      }),
    ];
    const hash = contentHash({ kind: name, install, files });
    return { gateway: "web", kind: name, install, files, contentHash: hash };
  }

  install(plan: InstallPlan, change = (script: string) => script): Promise<ScriptRun> {
    const programs = `${this.at("bin")}:${process.env.PATH}`;
    return runScript(this.shell, change(renderInstallScript(plan)), { PATH: programs });
  }

  uninstall(plan: InstallPlan): Promise<ScriptRun> {
    return runScript(this.shell, renderRemoveScript({ ...plan, paths: plan.files.map(({ path }) => path) }));
  }
}
