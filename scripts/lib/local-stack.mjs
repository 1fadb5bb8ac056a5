// Guards that a run leaves nothing outside the working copy: state, passphrase and plugins of the examples are in .pulumi-local.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { LocalWorkspace, PulumiCommand, Stack } from "@pulumi/pulumi/automation/index.js";

const execute = promisify(execFile);

/** The one stack of an example here. */
const stackName = "local";

/**
 * The stack of an example, made when there is none, with its place for the functions of stack-lock.mjs.
 * @param {string} root of the repository
 * @param {string} example a folder below examples/ with Pulumi.yaml and index.ts
 * @returns {Promise<{stack: import("@pulumi/pulumi/automation/index.js").Stack, place: import("./stack-lock.mjs").StackPlace}>}
 */
export async function openStack(root, example) {
  const folder = join(root, "examples", example);
  const local = join(root, ".pulumi-local");
  const backend = join(local, "state");
  // Pulumi.local.yaml with the salt of the passphrase is written here, and not into the example
  const workDir = join(local, "work", example);
  for (const needed of [backend, workDir]) mkdirSync(needed, { recursive: true, mode: 0o700 });

  // found once: each workspace would ask the CLI for its version
  const pulumiCommand = await PulumiCommand.get();
  const project = await (await LocalWorkspace.create({ workDir: folder, pulumiCommand })).projectSettings();
  const projectSettings = { ...project, runtime: "nodejs", main: folder };
  const program = () => loadProgram(join(folder, "index.ts"));
  const options = { workDir, pulumiCommand, projectSettings, envVars: environment(local, backend), program };
  const workspace = await LocalWorkspace.create(options);
  const isMade = existsSync(join(backend, ".pulumi/stacks", project.name, `${stackName}.json`));
  // every command names its stack: `pulumi stack select` would be one more start of the CLI
  if (isMade) workspace.selectStack = async () => {};
  const stack = await (isMade ? Stack.select(stackName, workspace) : Stack.create(stackName, workspace));
  return { stack, place: { folder: backend, project: project.name, stack: stackName } };
}

/**
 * Reads the outputs of a stack, with "[secret]" instead of each secret. `stack.outputs()` starts the CLI
 * a second time to read the secrets in clear.
 * @param {import("@pulumi/pulumi/automation/index.js").Stack} stack
 * @returns {Promise<import("@pulumi/pulumi/automation/index.js").OutputMap>}
 */
export async function readMaskedOutputs({ name: stackName, workspace }) {
  const args = ["stack", "output", "--json", "--stack", stackName];
  const env = { ...process.env, ...workspace.envVars };
  const limits = { timeout: 600_000, maxBuffer: 256 << 20 };
  const { stdout } = await execute(workspace.pulumiCommand.command, args, { cwd: workspace.workDir, env, ...limits });
  const rows = Object.entries(JSON.parse(stdout));
  return Object.fromEntries(rows.map(([name, value]) => [name, { value, secret: value === "[secret]" }]));
}

/**
 * @param {string} local
 * @param {string} backend
 */
function environment(local, backend) {
  const passphrase = join(local, "passphrase");
  if (!existsSync(passphrase)) writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  // it would win over the file
  delete process.env.PULUMI_CONFIG_PASSPHRASE;
  return {
    PULUMI_BACKEND_URL: pathToFileURL(backend).href,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_HOME: join(local, "home"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

let runs = 0;

/**
 * Runs the program: its resources are made while the module loads, so each run needs a module of its own.
 * @param {string} file
 * @returns {Promise<Record<string, unknown>>} its exports, the outputs of the stack
 */
async function loadProgram(file) {
  runs += 1;
  // as Pulumi's language host does: a program reads its files relative to itself
  process.chdir(dirname(file));
  return { ...(await import(`${pathToFileURL(file).href}?run=${runs}`)) };
}
