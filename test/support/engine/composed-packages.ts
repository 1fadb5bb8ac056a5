// Guards: a second run that downloads again, and a registry that is asked for what package-lock.json does not say. The npm
// packages of examples-cloud, installed once a user and lock, and a project that has them and this working copy's package.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CommandFailed, runQuiet } from "../../../scripts/lib/step.mjs";
import { cachedTool } from "../../../scripts/lib/tools-cache.mjs";

const root = join(import.meta.dirname, "../../..");
const source = join(root, "examples-cloud");
const locks = ["package.json", "package-lock.json"];

/** What npm says where there is no registry to be had, or not this package of it. */
const unreachable = /\b(E4\d\d|E5\d\d|ENOTFOUND|EAI_AGAIN|ECONN[A-Z]+|E[A-Z]*TIME[A-Z]*|ENETUNREACH|EHOSTUNREACH)\b/;

/** Their node_modules, or why they can't be had here; rejects where the lock is at fault. */
export async function installComposedPackages(): Promise<{ readonly folder: string } | { readonly missing: string }> {
  const pins = locks.map((file) => readFileSync(join(source, file), "utf8"));
  try {
    const folder = await cachedTool("composed-packages", pins, async (making) => {
      const bin = join(making, "bin");
      for (const file of [...locks, ".npmrc"]) cpSync(join(source, file), join(bin, file));
      const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
      await runQuiet("npm", args, { cwd: bin });
    });
    return { folder: join(folder, "node_modules") };
  } catch (error) {
    if (error instanceof CommandFailed && unreachable.test(error.message)) return { missing: error.message };
    throw error;
  }
}

/**
 * A new folder with the programs, beside the packages and this working copy's own, by links: with symbolic links preserved,
 * everything in it shares one copy of @pulumi/pulumi, as in a user's project.
 */
export function makeComposedProject(packages: string): string {
  const project = mkdtempSync(join(tmpdir(), "composed-"));
  for (const file of readdirSync(source)) {
    if (/\.(ts|json)$/.test(file) && !locks.includes(file)) cpSync(join(source, file), join(project, file));
  }
  cpSync(join(import.meta.dirname, "composed-program.cjs"), join(project, "composed-program.cjs"));
  const manifest = readFileSync(join(root, "provider/package.json"), "utf8");
  const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Record<string, string> };
  const own = [...Object.keys(dependencies), "pulumi-tls-gateway", "@pulumi/pulumi"];
  const links = new Map([
    ...namesIn(packages).map((name) => [name, join(packages, name)] as const),
    ...own.map((name) => [name, join(root, "node_modules", name)] as const),
  ]);
  for (const [name, target] of links) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
  return project;
}

/** The packages in a node_modules, those with a scope too. */
function namesIn(modules: string): readonly string[] {
  return readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(modules, name)).map((own) => `${name}/${own}`) : [name],
    );
}
