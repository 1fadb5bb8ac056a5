import type { GatewayInstall, HandshakeProbe } from "../model/kind";
import { shellCommand, shellEach, shellQuoted, shellWord } from "../syntax/shell";
import { type InstallPlan, isText, keyPairs, placesOf, probeFile, type SetFile, setFiles } from "./plan";
import {
  jsonMergeAwk,
  mainSh,
  mergeSh,
  pathsSh,
  removeSh,
  safetySh,
  serviceSh,
  setSh,
  startSh,
  verifySh,
} from "./script/embedded-scripts";

export { contentHash, type InstallFile, type InstallPlan } from "./plan";

/** Seconds in which the running server must show the new certificates: a reload may return early. */
const RELOAD_SECONDS = 10;
/** The same for a server that is stopped and started, as Cells, which takes half a minute. */
const RESTART_SECONDS = 90;

/** The whole is read before any of it runs: a script that was cut off on its way does nothing. */
const LAST_LINE = "{ main; exit; }\n";

/**
 * A POSIX shell script (dash, busybox ash, bash) with everything inside that puts a set of files in use on the server it
 * runs on, tells the server, proves by handshakes what it serves, and goes back when one of that fails. Killed at any
 * moment the old set goes on serving or the new one does, whole, and the next run completes it. Holds the keys: it belongs
 * on a standard input or in a file of mode 0600.
 *
 * Exit status: 0 installed, or nothing to do; 1 refused or rolled back, what was there before serves; 2 rolled back, but
 * the server could not be told; 3 nothing was begun: no right, no room, or another run is at work.
 * @throws TypeError for a plan that no script can be made of
 */
export function renderInstallScript(plan: InstallPlan): string {
  const { install, gateway, contentHash } = plan;
  if (!/^[0-9a-f]{64}$/.test(contentHash)) throw new TypeError("contentHash must be 64 hex digits");
  const files = setFiles(plan);
  const heading = `# Installs a configuration of pulumi-tls-gateway (${plan.kind}). Holds private keys. Run it by sh.\n`;
  return withAccount(plan, heading, [
    planFunction(gateway, install, contentHash),
    commandFunctions(install),
    fileFunctions(files, install),
    pathFunction(
      install,
      files.filter(({ isOutside }) => isOutside).map(({ path }) => path),
    ),
    probeFunctions(install, files),
    ...[startSh, safetySh, pathsSh, setSh, mergeSh, verifySh, mainSh],
    LAST_LINE,
  ]);
}

/**
 * A script that takes away what {@link renderInstallScript} put in place: links and copies, whose earlier files come back,
 * and the sets. Sites that were merged into a JSON document stay there. May run again. Exit status: 0 removed, or nothing
 * to do; 1 removed, but the server could not be told; 3 nothing was begun.
 *
 * @param plan `paths`: those of the files, as in the plan of the installation.
 */
export function renderRemoveScript(
  plan: Pick<InstallPlan, "gateway" | "kind" | "install"> & { readonly paths: readonly string[] },
): string {
  const { install, gateway, paths } = plan;
  const outside = paths.filter((path) => !path.startsWith(`${install.directory}/current/`));
  return withAccount(plan, `# Removes a configuration of pulumi-tls-gateway (${plan.kind}). Run it by sh.\n`, [
    planFunction(gateway, install, ""),
    commandFunctions(install),
    pathFunction(install, outside),
    ...[startSh, safetySh, pathsSh, removeSh],
    LAST_LINE,
  ]);
}

/** A script of these parts. Where a service has a folder of its own, they are a text in a script that can give up root. */
function withAccount(
  { gateway, install }: Pick<InstallPlan, "gateway" | "install">,
  heading: string,
  parts: readonly string[],
): string {
  if (install.serviceFolder === undefined) return ["#!/bin/sh\n", heading, ...parts].join("");
  const { stop, reload } = install;
  return [
    "#!/bin/sh\n",
    heading,
    planFunction(gateway, install, ""),
    shellCommand("stop", stop),
    shellCommand("reload", reload),
    `script_within() {\n  printf '%s' ${shellQuoted(parts.join(""))}\n}\n`,
    ...[startSh, safetySh, serviceSh],
    LAST_LINE,
  ].join("");
}

function planFunction(gateway: string, install: GatewayInstall, hash: string): string {
  const { directory, configurationFile, mergeInto = "", serviceFolder = "", probes, stop } = install;
  if (!/^(\/[A-Za-z0-9._@+-]+)+$/.test(directory) || /\/\.{1,2}(\/|$)/.test(directory)) {
    throw new TypeError(`${JSON.stringify(directory)} is no folder of plain letters`);
  }
  const { user = "", group = "" } = install.readers ?? {};
  for (const name of [user, group]) {
    if (!/^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a name`);
  }
  const values: Readonly<Record<string, string>> = {
    gateway: shellWord(gateway, "the gateway's name"),
    directory: shellWord(directory, "the folder"),
    pattern: shellWord(directory.replaceAll(".", "\\."), "the folder"),
    configuration: shellWord(configurationFile, "the configuration's name"),
    hash,
    short: hash.slice(0, 12),
    ...{ user, group },
    service_folder: shellWord(serviceFolder, "the service's folder"),
    merge_into: shellWord(mergeInto, "mergeInto"),
    merge_program: shellQuoted(mergeInto === "" ? "" : jsonMergeAwk),
    probes: String(probes.length),
    patience: String(stop === undefined ? RELOAD_SECONDS : RESTART_SECONDS),
    tab: "$(printf '\\t')",
  };
  const lines = Object.entries(values).map(([name, value]) => `  ${name}=${value}\n`);
  return `\nplan() {\n${lines.join("")}}\n`;
}

function commandFunctions({ check, checkInstalled, stop, reload }: GatewayInstall): string {
  return [
    shellCommand("check", check),
    shellCommand("check_installed", checkInstalled),
    shellCommand("stop", stop),
    shellCommand("reload", reload),
  ].join("");
}

function fileFunctions(files: readonly SetFile[], { check }: GatewayInstall): string {
  const word = (path: string): string => shellWord(path, "the path");
  const texts = check === undefined ? [] : files.filter(isText);
  const links = check === undefined ? [] : checkLinks(files, texts);
  const folders = new Set(
    [...files.map(({ inSet }) => inSet), ...texts.map(({ inSet }) => `check/${inSet}`)].flatMap(folderOf),
  );
  for (const { path } of links) for (const folder of folderOf(`check/${path}`)) folders.add(folder);
  return [
    shellEach("each_folder", [...folders].sort().map(word)),
    shellEach(
      "each_file",
      files.map((file) => `${word(file.inSet)} ${maskOf(file)} ${shellQuoted(file.content)}`),
    ),
    shellEach(
      "each_text",
      texts.map((file) => `${word(file.inSet)} ${maskOf(file)}`),
    ),
    shellEach(
      "each_check_link",
      links.map(({ path, target }) => `${word(path)} ${word(target)}`),
    ),
    shellEach(
      "each_pair",
      keyPairs(files).map((pair) => [...pair.map(({ inSet }) => inSet), ...pair.map(shownPath)].map(word).join(" ")),
    ),
  ].join("");
}

/** The other files beside the texts of `check/`: whole folders where no text stands in them. */
function checkLinks(files: readonly SetFile[], texts: readonly SetFile[]): readonly { path: string; target: string }[] {
  const mixed = new Set(texts.flatMap(({ inSet }) => folderOf(inSet)));
  const isTextPath = new Set(texts.map(({ inSet }) => inSet));
  const paths = new Set<string>();
  for (const { inSet } of files) {
    if (isTextPath.has(inSet)) continue;
    const parts = inSet.split("/");
    let depth = 1;
    while (depth < parts.length && mixed.has(parts.slice(0, depth).join("/"))) depth++;
    paths.add(parts.slice(0, depth).join("/"));
  }
  return [...paths].sort().map((path) => ({ path, target: `${"../".repeat(path.split("/").length)}${path}` }));
}

/** A file's name in a message: that of its place outside, where it has one. */
function shownPath({ path, inSet, isOutside }: SetFile): string {
  return isOutside ? path : inSet;
}

/** Every folder above a path, outermost first. */
function folderOf(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** The mask by which a new file has its mode from the first moment. */
function maskOf({ path, mode }: SetFile): string {
  if (!/^0?[0246]{3}$/.test(mode)) throw new TypeError(`the mode ${mode} of ${path} is none of a file that is read`);
  return (0o777 & ~Number.parseInt(mode, 8)).toString(8).padStart(3, "0");
}

function pathFunction(install: GatewayInstall, outside: readonly string[]): string {
  const places = placesOf(install, outside);
  return shellEach(
    "each_path",
    places.map((words) => words.map((word) => shellWord(word, "the path")).join(" ")),
  );
}

function probeFunctions({ probes, unprobed = [] }: GatewayInstall, files: readonly SetFile[]): string {
  const byName = new Map(files.map((file) => [file.path, file]));
  const word = (text: string): string => shellWord(text, "the handshake's");
  const calls = probes.map((probe) =>
    [addressOf(probe), probe.serverName ?? "", probeFile(probe, byName)].map(word).join(" "),
  );
  const sentences = unprobed.map((sentence) => shellWord(`not verified: ${sentence}`, "the sentence"));
  return shellEach("each_probe", calls) + shellEach("each_unprobed", sentences);
}

function addressOf({ address, port }: HandshakeProbe): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
