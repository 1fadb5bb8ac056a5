// Guards: a link in a folder that others may write, which leads the writes of root to a file of root. Imports nothing of
// this package, since a process that gives up its rights loads it before.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What is done in a folder. Each function takes names of entries, throws the system's error, and follows no link. */
export interface FolderFiles {
  /** Makes a folder with mode 0755. @returns false when there is one already; ENOTDIR when something else is */
  makeFolder(...path: readonly string[]): Promise<boolean>;
  /** Writes a new file with mode 0644, whatever the umask is. */
  create(text: string, ...path: readonly string[]): Promise<void>;
  /** Gives a file another name in its folder, in place of one that has it. */
  rename(to: string, ...path: readonly string[]): Promise<void>;
  read(...path: readonly string[]): Promise<string>;
  list(...path: readonly string[]): Promise<readonly string[]>;
  /** Removes a file; nothing happens when there is none. */
  remove(...path: readonly string[]): Promise<void>;
  removeFolder(...path: readonly string[]): Promise<void>;
}

type Operation = keyof FolderFiles;

/** One call of {@link FolderFiles} as it travels to another process, and what came of it. */
export interface FolderCall {
  readonly operation: Operation;
  readonly words: readonly string[];
}

export interface FolderResult {
  readonly value?: unknown;
  /** The system's code: EACCES. */
  readonly code?: string;
}

const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** Work in a folder with the rights of this process. */
export function localFiles(root: string): FolderFiles {
  // async, so that an error rejects
  return filesBy(async (call) => perform(root, call));
}

/** The functions that each make a call, and give what comes of it. */
export function filesBy(perform: (call: FolderCall) => Promise<unknown>): FolderFiles {
  const by =
    (operation: Operation) =>
    (...words: readonly string[]): Promise<never> =>
      // a call gives what the function of its name promises
      perform({ operation, words }) as Promise<never>;
  return {
    makeFolder: by("makeFolder"),
    create: by("create"),
    rename: by("rename"),
    read: by("read"),
    list: by("list"),
    remove: by("remove"),
    removeFolder: by("removeFolder"),
  };
}

/**
 * Answers calls on standard input, each a line of JSON, with the rights of a user who has no other groups. The process
 * ends with its input.
 *
 * @public called by its name in folder-access.ts
 */
export function serveFiles(root: string, uid: number, gid: number): void {
  process.setgroups?.([]);
  process.setgid?.(gid);
  process.setuid?.(uid);
  createInterface({ input: process.stdin }).on("line", (line) => {
    let result: FolderResult;
    try {
      result = { value: perform(root, JSON.parse(line) as FolderCall) };
    } catch (error) {
      result = { code: error instanceof Error && "code" in error ? String(error.code) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  });
}

function perform(root: string, { operation, words }: FolderCall): unknown {
  const [first = "", ...rest] = words;
  const path = operation === "create" || operation === "rename" ? rest : words;
  const name = path.at(-1) ?? "";
  return inFolder(root, path.slice(0, -1), (folder) => {
    const entry = join(folder, name);
    switch (operation) {
      case "makeFolder":
        return makeFolder(entry);
      case "create":
        return create(entry, first);
      case "rename":
        return renameSync(entry, join(folder, first));
      case "read":
        return withHandle(entry, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0), (file) =>
          readFileSync(file, "utf8"),
        );
      case "list":
        return withFolder(entry, FOLDER_FLAGS, (folder) => readdirSync(folder));
      case "remove":
        return rmSync(entry, { force: true });
      case "removeFolder":
        return rmdirSync(entry);
    }
  });
}

/** The folder that the user names may be a link, as releases of a site often are. */
const ROOT_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);

/** Windows opens no folder, has no modes, and lets administrators alone make links. */
const OPENS_FOLDERS = process.platform !== "win32";

/** Goes down from folder to folder, each open while the next is looked for, so that no link can come in between. */
function inFolder<T>(
  folder: string,
  [next, ...rest]: readonly string[],
  work: (folder: string) => T,
  flags = ROOT_FLAGS,
): T {
  return withFolder(folder, flags, (here) =>
    next === undefined ? work(here) : inFolder(join(here, next), rest, work, FOLDER_FLAGS),
  );
}

function withFolder<T>(folder: string, flags: number, work: (path: string) => T): T {
  if (!OPENS_FOLDERS) return work(folder);
  return withHandle(folder, flags, (handle) => work(pathOf(handle, folder)));
}

/** On Linux a name below an open folder leads into that very folder, whatever its path leads to by now. */
function pathOf(handle: number, path: string): string {
  return process.platform === "linux" ? `/proc/self/fd/${handle}` : path;
}

function makeFolder(path: string): boolean {
  try {
    mkdirSync(path, 0o755);
  } catch (error) {
    const isThere = error instanceof Error && "code" in error && error.code === "EEXIST";
    if (isThere && lstatSync(path).isDirectory()) return false;
    throw error;
  }
  // whatever the umask is
  if (OPENS_FOLDERS) withHandle(path, FOLDER_FLAGS, (handle) => fchmodSync(handle, 0o755));
  return true;
}

function create(path: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
  withHandle(path, flags, (handle) => {
    writeFileSync(handle, text);
    fchmodSync(handle, 0o644);
  });
}

function withHandle<T>(path: string, flags: number, work: (handle: number) => T): T {
  const handle = openSync(path, flags, 0o644);
  try {
    return work(handle);
  } finally {
    closeSync(handle);
  }
}

/** Whose a folder is, and whether others may change its entries. The last part of the path is not followed. */
export interface FolderOwner {
  readonly uid: number;
  readonly gid: number;
  readonly isShared: boolean;
}

/** Undefined when there is no such folder. */
export function readOwner(path: string, isFollowed: boolean): FolderOwner | undefined {
  try {
    return withHandle(path, isFollowed ? ROOT_FLAGS : FOLDER_FLAGS, (handle) => {
      const { uid, gid, mode } = fstatSync(handle);
      return { uid, gid, isShared: (mode & 0o022) !== 0 };
    });
  } catch {
    return undefined;
  }
}
