import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isAbsolute } from "node:path";
import { TlsError } from "../errors";
import { isContent, renderPath } from "./path-text";

/** As of everything that is read of certificates: the stores of whole machines have 0.3 MiB. In octets. */
const LONGEST_FILE = 1024 * 1024;

/**
 * Reads a file, or what comes through a pipe (`/dev/stdin`, a named pipe), at most 1 MiB.
 * @throws TlsError FILE_UNREADABLE: nothing there, a folder, no permission, empty, too large
 */
export function readFileBytes(path: string): Buffer {
  try {
    return readOpen(open(path), path);
  } catch (error) {
    throw explain(error, path);
  }
}

/** Decodes a text: UTF-8, or UTF-16 where a byte order mark says so, as PowerShell writes it. The mark is dropped. */
export function decodeText(bytes: Buffer): string {
  const mark = bytes.toString("hex", 0, 2);
  if (mark === "fffe") return bytes.toString("utf16le", 2);
  if (mark === "feff") {
    const even = bytes.subarray(2, bytes.length - (bytes.length % 2));
    return Buffer.from(even).swap16().toString("utf16le");
  }
  return bytes.toString("utf8").replace(/^\uFEFF/, "");
}

/** The standard input of a child of Node is a socket, which has no path that can be opened. */
function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (path === "/dev/stdin" && codeOf(error) === "ENXIO") return 0;
    throw error;
  }
}

function readOpen(descriptor: number, path: string): Buffer {
  try {
    if (fstatSync(descriptor).isDirectory()) throw isFolder(path);
    // the size of a pipe is not known before its end
    const content = Buffer.alloc(LONGEST_FILE + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < content.length; length += count) {
      count = readSync(descriptor, content, length, content.length - length, null);
    }
    if (length === 0) throw unreadable(path, "is empty", "Get the file again from its source.");
    if (length <= LONGEST_FILE) return Buffer.from(content.subarray(0, length));
    const found = `has more than ${LONGEST_FILE} octets, which is the most that is read`;
    throw unreadable(path, found, "Certificates and keys have some kilobytes: give their file.");
  } finally {
    closeSync(descriptor);
  }
}

function explain(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (isContent(path)) {
    // without a cause: the system's error quotes what was given
    const hint = "Give such a text as certPem, privateKeyPem or pkcs12.";
    return unreadable(path, "is the content of a file, expected its path", hint);
  }
  switch (code) {
    case "ENOENT":
    case "ENOTDIR": {
      const place = isAbsolute(path) ? "" : `; the working folder is ${renderPath(process.cwd())}`;
      return unreadable(path, `no such file${place}`, "Correct the path.", { cause: error });
    }
    case "EISDIR":
      return isFolder(path);
    case "EACCES":
    case "EPERM":
      return unreadable(path, "no permission to read it", "Run as a user who may, or give this user the right.", {
        cause: error,
      });
    default:
      return unreadable(path, `can't be read (${code})`, "Copy it to a plain file and give that.", { cause: error });
  }
}

/** The system's word for why a call failed, for instance ENOENT; undefined for an error of another origin. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : undefined;
}

function isFolder(path: string): TlsError {
  return unreadable(path, "is a folder", "Give the files in it, each by its path.");
}

function unreadable(path: string, found: string, hint: string, rest: { readonly cause?: unknown } = {}): TlsError {
  return new TlsError("FILE_UNREADABLE", `${renderPath(path)}: ${found}`, { hint, ...rest });
}
