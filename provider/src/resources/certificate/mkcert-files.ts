import { readFileSync, statSync } from "node:fs";
import { join, posix, resolve, win32 } from "node:path";
import { TlsError } from "../../errors";
import { isContent, renderPath } from "../../files/path-text";

/** The names of mkcert's two files (mkcert 1.4.4, main.go). */
const CERTIFICATE_FILE = "rootCA.pem";
const KEY_FILE = "rootCA-key.pem";

const FOLDER_HINT = 'set CAROOT, or the argument caroot, to the folder that "mkcert -CAROOT" prints.';

/** What mkcert's folder depends on. */
export interface MkcertEnvironment {
  /** As `process.platform`. */
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The folder of mkcert's CA. */
export interface Caroot {
  readonly folder: string;
  /** What the folder was taken from, for a message. */
  readonly origin: string;
}

/** The two files of mkcert's CA, as they are. */
export interface MkcertFiles {
  readonly certPem: string;
  /** Never for a message. */
  readonly privateKeyPem: string;
}

/**
 * Finds the folder of mkcert's CA as mkcert itself does (mkcert 1.4.4, main.go, getCAROOT): `CAROOT`; else the folder
 * `mkcert` in the user's data folder, which is `LocalAppData` on Windows; elsewhere `XDG_DATA_HOME`, also on macOS; else
 * `Library/Application Support` of `HOME` on macOS and `.local/share` of `HOME` on the others. An empty variable is as
 * good as none.
 *
 * @param given used instead of all that, unless it is empty.
 * @throws TlsError `FILE_UNREADABLE` when no variable tells.
 */
export function findCaroot(given: string | undefined, { platform, env }: MkcertEnvironment = process): Caroot {
  if (given) return { folder: given, origin: "the argument caroot" };
  if (env.CAROOT) return { folder: env.CAROOT, origin: "the environment variable CAROOT" };
  const inFolderOf = (variable: string, folder: string, ...inside: string[]): Caroot => ({
    folder: (platform === "win32" ? win32 : posix).join(folder, ...inside, "mkcert"),
    origin: `${variable}, mkcert's default`,
  });
  if (platform === "win32") return inFolderOf("LocalAppData", env.LocalAppData ?? "");
  if (env.XDG_DATA_HOME) return inFolderOf("XDG_DATA_HOME", env.XDG_DATA_HOME);
  if (!env.HOME) {
    throw unreadable("none of CAROOT, XDG_DATA_HOME and HOME is set.", FOLDER_HINT);
  }
  const inside = platform === "darwin" ? ["Library", "Application Support"] : [".local", "share"];
  return inFolderOf("HOME", env.HOME, ...inside);
}

/**
 * Reads `rootCA.pem` and `rootCA-key.pem` from mkcert's folder. Not checked: what stands in them.
 *
 * @throws TlsError `FILE_UNREADABLE` when the folder or one of the files is missing or can't be read.
 */
export function readMkcertFiles(caroot: Caroot): MkcertFiles {
  if (isContent(caroot.folder)) {
    throw unreadable(`found ${describe(caroot)}, expected the path of a folder.`, FOLDER_HINT);
  }
  // the certificate first: without it, a missing key says nothing
  const certPem = readText(caroot, CERTIFICATE_FILE, () =>
    unreadable(
      isFolder(caroot.folder)
        ? `the folder ${describe(caroot)} holds no ${CERTIFICATE_FILE}.`
        : `there is no folder ${describe(caroot)}.`,
      `make a CA by "mkcert -install", or ${FOLDER_HINT}`,
    ),
  );
  const privateKeyPem = readText(caroot, KEY_FILE, () =>
    unreadable(
      `the folder ${describe(caroot)} holds ${CERTIFICATE_FILE} but no ${KEY_FILE}: such a CA, copied here for "mkcert -install", is only trusted and can't issue.`,
      `run this on the computer where mkcert made it, copy its ${KEY_FILE} into the folder, or ${FOLDER_HINT}`,
    ),
  );
  return { certPem, privateKeyPem };
}

function readText(caroot: Caroot, file: string, missing: () => TlsError): string {
  try {
    return readFileSync(join(caroot.folder, file), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "no code";
    if (code === "ENOENT" || code === "ENOTDIR") throw missing();
    throw unreadable(
      `${file} in the folder ${describe(caroot)} could not be read (${code}).`,
      "let the user who runs this read it; mkcert makes the key readable by the user who ran it alone.",
    );
  }
}

/** Without the system's error as its cause, which quotes the path as it was given. */
function unreadable(reason: string, hint: string): TlsError {
  return new TlsError("FILE_UNREADABLE", `mkcert's CA: ${reason}`, { hint });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The folder, absolute, and where it comes from. */
function describe({ folder, origin }: Caroot): string {
  const path = renderPath(isContent(folder) ? folder : resolve(folder));
  return `${path} (from ${origin})`;
}
