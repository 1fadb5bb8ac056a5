import { createHash } from "node:crypto";
import type { GatewayInstall, HandshakeProbe } from "../model/kind";

/** A file that the script puts on the server. */
export interface InstallFile {
  /** Absolute. Below `<directory>/current/` it is part of the set; elsewhere it becomes a link into the set. */
  readonly path: string;
  /** Octal, without rights to execute. */
  readonly mode: string;
  readonly content: string;
  /** Holds a private key. */
  readonly isSecret: boolean;
}

/** All that an install script holds. */
export interface InstallPlan {
  /** The Pulumi name, for messages. */
  readonly gateway: string;
  readonly kind: string;
  readonly install: GatewayInstall;
  /** 64 hex digits, of {@link contentHash}. */
  readonly contentHash: string;
  /** The configuration at `<directory>/current/<configurationFile>`, further texts, certificates and keys. */
  readonly files: readonly InstallFile[];
}

/** Where a file lies within its set, and the place outside that is to be a link to it or a copy. */
export interface SetFile extends InstallFile {
  readonly inSet: string;
  readonly isOutside: boolean;
}

/** Changes when the script does something else with the same content: servers are then installed anew. */
const FORMAT_VERSION = 2;

/** RFC 7468 section 10 and 11, and the older forms. */
const keyBlock = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----\r?\n?/g;

/** What is hashed; of a file with a key only what is public counts, whether the key is given or not. */
export interface ContentParts {
  readonly kind: string;
  /** Absent where nothing is installed on a machine. */
  readonly install?: GatewayInstall;
  readonly files: readonly Pick<InstallFile, "path" | "mode" | "content">[];
}

/**
 * The name of a set, 64 hex digits: SHA-256 of everything that is installed but the private keys, of how, and of the
 * format of the script. A key of its own certificate can't change alone, so nothing is missed.
 */
export function contentHash({ kind, install, files }: ContentParts): string {
  const parts = [
    FORMAT_VERSION,
    kind,
    install === undefined ? null : installParts(install),
    [...files].sort(byPath).map(({ path, mode, content }) => [path, mode, content.replace(keyBlock, "")]),
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Absent stands as null: no list gets shorter, so no two plans have one text. */
function installParts(install: GatewayInstall): readonly unknown[] {
  const { directory, configurationFile, mergeInto, readers, serviceFolder, check, checkInstalled, stop, reload } =
    install;
  return [
    [directory, configurationFile, mergeInto, readers?.user, readers?.group, serviceFolder],
    [check, checkInstalled, stop, reload],
    install.entries.map(({ path, file, how }) => [path, file, how]),
    install.probes.map(({ address, port, serverName, certificate }) => [address, port, serverName, certificate]),
  ];
}

/** The files sorted by path, each with its place in the set. @throws TypeError for paths that can't be installed */
export function setFiles({ install, files }: Pick<InstallPlan, "install" | "files">): readonly SetFile[] {
  const inside = `${install.directory}/current/`;
  return [...files].sort(byPath).map((file) => {
    checkPath(file.path);
    if (!file.path.startsWith(inside)) return { ...file, inSet: outsideFile(file.path), isOutside: true };
    return { ...file, inSet: file.path.slice(inside.length), isOutside: false };
  });
}

/** The same for the same path in every set: links from outside stay when `current` changes. */
function outsideFile(path: string): string {
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 12);
  return `outside/${hash}-${path.slice(path.lastIndexOf("/") + 1)}`;
}

/** Where the set's files, and what else is outside, are found: `how`, path, file of the set. */
export function placesOf(install: GatewayInstall, outside: readonly string[]): readonly (readonly string[])[] {
  const entries = install.entries.map(({ path, file, how }) => [how, checkPath(path), file] as const);
  return [...entries, ...outside.map((path) => ["link", checkPath(path), outsideFile(path)] as const)];
}

/** Where a probe's certificate is found: within the set, or the absolute path of one that lies on the server. */
export function probeFile({ certificate }: HandshakeProbe, files: ReadonlyMap<string, SetFile>): string {
  return files.get(certificate)?.inSet ?? certificate;
}

/** `X.pem` and `X-key.pem`, or one file with both: pairs whose keys must be equal. */
export function keyPairs(files: readonly SetFile[]): readonly (readonly [certificate: SetFile, key: SetFile])[] {
  const byName = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((file) => {
    if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(file.content)) return [];
    if (file.content.includes("-----BEGIN CERTIFICATE-----")) return [[file, file] as const];
    const certificate = byName.get(file.path.replace(/-key(?=\.pem$)/, ""));
    return certificate === undefined || certificate === file ? [] : [[certificate, file] as const];
  });
}

/** Texts of a configuration: not secret, without PEM blocks, within the set. */
export function isText({ isSecret, isOutside, content }: SetFile): boolean {
  return !isSecret && !isOutside && !content.includes("-----BEGIN ");
}

function checkPath(path: string): string {
  const isPlain =
    /^\/[^\p{Cc}]*[^\p{Cc}/]$/u.test(path) && !path.split("/").some((part) => part === ".." || part === ".");
  if (!isPlain) throw new TypeError(`${JSON.stringify(path)} is no absolute path of a file`);
  return path;
}

function byPath(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path < other.path ? -1 : one.path > other.path ? 1 : 0;
}
