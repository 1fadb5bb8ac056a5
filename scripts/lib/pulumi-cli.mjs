// Guards that there is a Pulumi CLI which can run dynamic resources: the one on PATH, the official download, or built from source.
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { editedModules, editsPin } from "./pulumi-edits.mjs";
import { runQuiet, step } from "./step.mjs";
import { cachedTool, findProgram, isToolCached } from "./tools-cache.mjs";

/** The first CLI that keeps the inputs which a dynamic provider's `read` returns (Pulumi's change log, 3.216.0). */
const oldestVersion = [3, 216];
/** What starts the process that runs dynamic resources; a part of the official archive, not of a build from source. */
const launcherName = "pulumi-resource-pulumi-nodejs";

/**
 * As the launcher of the official archive, with these differences: the Node of the project that the program belongs to goes
 * before the one on PATH, which may be too old for @pulumi/pulumi; and the shell does not stay between the CLI and Node.
 * The SDK is looked for as Node does, in each folder upwards, which saves a start of Node in every run.
 */
const launcher = `#!/bin/sh
folder=$PWD
while [ ! -x "$folder/node_modules/.bin/node" ] && [ -n "$folder" ]; do folder=\${folder%/*}; done
node=node
[ -z "$folder" ] || node=$folder/node_modules/.bin/node
path=@pulumi/pulumi/cmd/dynamic-provider
folder=$PWD
while [ ! -d "$folder/node_modules/$path" ] && [ -n "$folder" ]; do folder=\${folder%/*}; done
if [ -n "$folder" ]; then provider=$folder/node_modules/$path
else provider=$("$node" -p "require.resolve('$path')") || exit 1
fi
exec "$node" "$provider" "$@"
`;

/**
 * The folder of a usable CLI, or undefined where there is none and none can be had.
 * @param {string} root of the repository, with its packages installed
 * @param {string} node the project's
 * @returns {Promise<string | undefined>}
 */
export async function findPulumiCli(root, node) {
  const onPath = findProgram("pulumi");
  if (onPath !== undefined && (await isUsable(onPath))) return dirname(onPath);

  const sdk = readJson(join(root, "node_modules/@pulumi/pulumi/package.json")).version;
  const goMod = readFileSync(join(root, "tools/go.mod"), "utf8");
  const downloaded = { name: "pulumi-download", pins: [sdk] };
  const built = { name: "pulumi-build", pins: [goMod, launcher, editsPin] };
  const go = findProgram("go");
  for (const tool of [downloaded, built]) {
    if (isToolCached(tool.name, tool.pins)) return cachedTool(tool.name, tool.pins, async () => {});
  }
  try {
    return await step(`Pulumi CLI ${sdk}: downloading`, () =>
      // where it can be built, a slow download is not waited for
      cachedTool(downloaded.name, downloaded.pins, (folder) => download(node, root, folder, go ? 60 : 600)),
    );
  } catch {
    if (go === undefined) return undefined;
  }
  return step("Pulumi CLI: building it with Go (once a user; 4 minutes on two cores)", () =>
    cachedTool(built.name, built.pins, (folder) => build(go, root, goMod, folder)),
  );
}

/** @param {string} cli */
async function isUsable(cli) {
  if (!existsSync(join(dirname(realpathSync(cli)), launcherName)) && !findProgram(launcherName)) return false;
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const version = /v?(\d+)\.(\d+)\./.exec(await runQuiet(cli, ["version"], { env, limitSeconds: 20 }));
    if (version === null) return false;
    return Number(version[1]) === oldestVersion[0] && Number(version[2]) >= Number(oldestVersion[1]);
  } catch {
    return false;
  }
}

/**
 * @param {string} node
 * @param {string} root
 * @param {string} folder
 * @param {number} limitSeconds
 */
async function download(node, root, folder, limitSeconds) {
  const program = `require("@pulumi/pulumi/automation").PulumiCommand.install({ root: process.argv[1] })
    .catch((error) => { console.error(error.message); process.exit(1); })`;
  await runQuiet(node, ["-e", program, folder], { cwd: root, limitSeconds });
}

/**
 * @param {string} go
 * @param {string} root
 * @param {string} goMod
 * @param {string} folder
 */
async function build(go, root, goMod, folder) {
  const version = /^require github\.com\/pulumi\/pulumi\/pkg\/v3 (v\S+)/m.exec(goMod)?.[1];
  if (version === undefined) throw new Error("tools/go.mod names no version of github.com/pulumi/pulumi/pkg/v3");
  const tools = join(root, "tools");
  const sources = mkdtempSync(join(tmpdir(), "tls-gateway-pulumi-"));
  const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
  const program = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
  try {
    const edited = await editedModules(go, tools, sources);
    const output = ["-ldflags", flags, "-o", join(folder, "bin/pulumi")];
    const env = { ...process.env, CGO_ENABLED: "0" };
    await runQuiet(go, ["build", ...edited, ...output, program], { cwd: tools, env, limitSeconds: 3600 });
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
  writeFileSync(join(folder, "bin", launcherName), launcher);
  chmodSync(join(folder, "bin", launcherName), 0o755);
}

/** @param {string} file */
function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}
