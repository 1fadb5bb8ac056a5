import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FOLDER_FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);

/** A record of 100 names takes 10 kB. */
const MOST_BYTES = 256 * 1024;

/**
 * Makes the folder of the journal: for its owner alone, and ignored by git whatever repository it lies in. A folder above
 * it that is there already is left as it is.
 * @throws the system's error
 */
export async function ensureFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Windows opens no folder, and has no modes
  if (process.platform !== "win32") await closeToOthers(folder);
  try {
    await writeFile(join(folder, ".gitignore"), "*\n", { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Through a handle: whatever a link leads to keeps its mode. */
async function closeToOthers(folder: string): Promise<void> {
  const handle = await open(folder, FOLDER_FLAGS);
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o777) !== 0o700) await handle.chmod(0o700);
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file whole or not at all, mode 0600: a reader, or the next run after a kill at any moment, finds the old
 * content or the new one. @throws the system's error; the old content is still there then
 */
export async function replaceFile(folder: string, file: string, text: string): Promise<void> {
  const temporary = join(folder, `${file.replace(/\.json$/, "")}.${randomBytes(8).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      // or a power cut leaves the new name with nothing in it
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(folder, file));
  } catch (error) {
    await removeFile(folder, temporary.slice(folder.length + 1)).catch(() => undefined);
    throw error;
  }
}

/** The content, undefined when there is no such file. @throws the system's error */
export async function readIfThere(folder: string, file: string): Promise<string | undefined> {
  const path = join(folder, file);
  try {
    const { size } = await lstat(path);
    // too long for a record: whatever it is, its beginning does not parse either
    return size > MOST_BYTES ? "" : await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Whether there was one. @throws the system's error */
export async function removeFile(folder: string, file: string): Promise<boolean> {
  try {
    await unlink(join(folder, file));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Gives a file another name, in place of one that has it. @throws the system's error */
export async function renameFile(folder: string, from: string, to: string): Promise<void> {
  await rename(join(folder, from), join(folder, to));
}

/** Whether the system said so of a call. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
