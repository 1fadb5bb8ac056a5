import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { TlsError } from "../../../errors";
import { renderQuoted } from "../../../text/quoted";
import {
  type FolderCall,
  type FolderFiles,
  type FolderOwner,
  type FolderResult,
  filesBy,
  localFiles,
  readOwner,
} from "./folder-files";

/** Who runs the work that root may not do by itself: it holds up nobody for longer. */
const LIMIT_MS = 60_000;

/**
 * Works in a folder and in the folders below it that are named. Root works in folders of its own alone; in those of
 * another user a process of that user's rights does, or a link that the user places would lead root anywhere.
 * @throws TlsError ACME_CHALLENGE: others than the owner may change root's folder, or the folders have several owners
 */
export async function withFiles<T>(
  root: string,
  below: readonly string[],
  work: (files: FolderFiles) => Promise<T>,
): Promise<T> {
  const owner = process.getuid?.() === 0 ? findOwner(root, below) : undefined;
  if (owner === undefined) return work(localFiles(root));
  const other = new OtherUser(root, owner);
  try {
    return await work(other.files);
  } finally {
    await other.end();
  }
}

/** The user whose rights are to be used; undefined for root itself. */
function findOwner(root: string, below: readonly string[]): FolderOwner | undefined {
  const folders = [root, ...below.map((path) => join(root, path))];
  const owners = folders.flatMap((path, index) => {
    const owner = readOwner(path, index === 0);
    return owner === undefined ? [] : [{ path, ...owner }];
  });
  const other = owners.find(({ uid }) => uid !== 0);
  const stranger = owners.find(({ uid }) => uid !== 0 && uid !== other?.uid);
  if (stranger !== undefined) {
    throw refused(`${renderQuoted(stranger.path)} is of another user than ${renderQuoted(other?.path ?? root)}`);
  }
  const shared = owners.find(({ uid, isShared }) => uid === 0 && isShared);
  if (shared !== undefined) throw refused(`others than root may change ${renderQuoted(shared.path)}`);
  return other;
}

function refused(found: string): TlsError {
  return new TlsError("ACME_CHALLENGE", `root writes no challenge file: ${found}, and could lead it to any file.`, {
    hint: "Give the webroot and the folders in it to one user, for instance that of the web server: its rights are used then. Or take from group and others the right to write there.",
  });
}

/** A process that has the rights of another user. */
class OtherUser {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(root: string, { uid, gid }: FolderOwner) {
    // it loads its code as root, who may read it, and gives up its rights before it does anything
    const program = `require(${JSON.stringify(join(__dirname, "folder-files.js"))}).serveFiles(process.argv[1], ${uid}, ${gid})`;
    this.#child = spawn(process.execPath, ["-e", program, root], {
      env: { NODE_NO_WARNINGS: "1" },
      stdio: "pipe",
      timeout: LIMIT_MS,
    });
    // a process that is gone answers no more, which is seen there
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.resume();
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get files(): FolderFiles {
    return filesBy((call) => {
      const answer = this.#turn.then(() => this.#ask(call));
      this.#turn = answer.catch(() => undefined);
      return answer;
    });
  }

  async end(): Promise<void> {
    const isOver = this.#child.exitCode !== null || this.#child.signalCode !== null;
    this.#child.stdin.end();
    if (!isOver) await once(this.#child, "close");
  }

  async #ask(call: FolderCall): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(call)}\n`);
    const { value: line } = await this.#lines.next();
    if (line === undefined) throw new Error("the process with the rights of the folder's owner has ended");
    const { value, code } = JSON.parse(line) as FolderResult;
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return value;
  }
}
