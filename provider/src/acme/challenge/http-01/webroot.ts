import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isTlsError, TlsError } from "../../../errors";
import { renderQuoted } from "../../../text/quoted";
import { TurnsByName } from "../../run/turns";
import { refusalsOf } from "../refusal";
import { type ChallengeSolver, type ChallengeTask, checkToken, type WebrootSettings } from "../solver";
import { CHALLENGE_FOLDER } from "./answer";
import { withFiles } from "./folder-access";
import type { FolderFiles } from "./folder-files";

const OUTER = ".well-known";
const challengePath = CHALLENGE_FOLDER.split("/");

/** Stands in the innermost folder when we made it, and says how many of the two: a later process removes them too. */
const MARKER = ".made-by-tls-gateway";

/** Other processes may remove the folder between its making and the file; each of them does so once. */
const MOST_TRIES = 5;

/** The certificates of this process that share a webroot neither make nor remove its folders at the same time. */
const turns = new TurnsByName();

/**
 * Answers http-01 by files `<webroot>/.well-known/acme-challenge/<token>` (RFC 8555 section 8.3), mode 0644, each whole or
 * not there. Folders that are missing are made with mode 0755 and removed with the last file. Not checked: that a web
 * server serves the folder, since from here another address may be seen than from the CA. Links in the webroot are not
 * followed; root writes with the rights of the folder's owner.
 */
export function createWebrootSolver({ webroot }: WebrootSettings): ChallengeSolver {
  const root = resolve(webroot);
  return {
    type: "http-01",
    refuse: refusalsOf("http-01"),
    present: async (tasks, deadline) => {
      for (const task of tasks) {
        deadline.check("writing the challenge files");
        await turns.take(root, () => writeAnswer(root, task));
      }
    },
    cleanUp: async (tasks) => {
      if (!(await isFolder(root))) return;
      const failures: unknown[] = [];
      const note = (error: unknown) => failures.push(failure(root, "removing", error));
      await turns.take(root, () =>
        inRoot(root, async (files) => {
          for (const task of tasks) await removeAnswer(files, task).catch(note);
          await removeFolders(files).catch(note);
        }),
      );
      if (failures.length > 0) throw failures[0];
    },
  };
}

async function writeAnswer(root: string, { token, keyAuthorization }: ChallengeTask): Promise<void> {
  const name = checkToken(token);
  // it begins with a dot, which no token does, and only its own writer knows the end
  const temporary = `.${name}.${randomBytes(6).toString("hex")}.tmp`;
  await requireRoot(root);
  await inRoot(root, async (files) => {
    for (let tries = 1; ; tries += 1) {
      try {
        await makeFolders(files);
        await files.create(keyAuthorization, ...challengePath, temporary);
        await files.rename(name, ...challengePath, temporary);
        return;
      } catch (error) {
        await files.remove(...challengePath, temporary).catch(() => {});
        if (tries < MOST_TRIES && codeOf(error) === "ENOENT" && (await isFolder(root))) continue;
        throw failure(root, "writing", error);
      }
    }
  });
}

/** The webroot itself must be there: a wrong path would be made, and served by nobody. */
async function requireRoot(root: string): Promise<void> {
  if (await isFolder(root)) return;
  throw new TlsError("ACME_CHALLENGE", `writing the challenge file: the webroot ${renderQuoted(root)} is no folder.`, {
    hint: "Give the folder that the web server on port 80 of the site serves, on the machine that runs Pulumi.",
  });
}

async function makeFolders(files: FolderFiles): Promise<void> {
  const madeOuter = await files.makeFolder(OUTER);
  if (await files.makeFolder(...challengePath)) await files.create(madeOuter ? "2" : "1", ...challengePath, MARKER);
}

/** Only what holds this very answer is ours; a temporary file is left when its writer was killed. */
async function removeAnswer(files: FolderFiles, { token, keyAuthorization }: ChallengeTask): Promise<void> {
  const name = checkToken(token);
  const isOurs = (await files.read(...challengePath, name).catch(unlessGone)) === keyAuthorization;
  if (isOurs) await files.remove(...challengePath, name);
  const left = ((await files.list(...challengePath).catch(unlessGone)) ?? []).filter((one) => isTemporary(one, token));
  for (const one of left) await files.remove(...challengePath, one);
}

function isTemporary(name: string, token: string): boolean {
  return name.startsWith(`.${token}.`) && name.endsWith(".tmp");
}

/** Removes the folders that the marker tells of, when nothing else stands in them. */
async function removeFolders(files: FolderFiles): Promise<void> {
  const names = (await files.list(...challengePath).catch(unlessGone)) ?? [];
  if (names.length !== 1 || names[0] !== MARKER) return;
  const made = await files.read(...challengePath, MARKER).catch(unlessGone);
  await files.remove(...challengePath, MARKER);
  await files.removeFolder(...challengePath).catch(unlessUsed);
  if (made === "2") await files.removeFolder(OUTER).catch(unlessUsed);
}

function inRoot<T>(root: string, work: (files: FolderFiles) => Promise<T>): Promise<T> {
  return withFiles(root, [OUTER, CHALLENGE_FOLDER], work);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function unlessGone(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error;
}

function unlessUsed(error: unknown): void {
  if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(error))) throw error;
}

function failure(root: string, doing: "writing" | "removing", error: unknown): TlsError {
  if (isTlsError(error)) return error;
  const where = renderQuoted(`${root}/${CHALLENGE_FOLDER}`);
  return new TlsError("ACME_CHALLENGE", `${doing} the challenge file in ${where}: ${codeOf(error)}.`, {
    hint: "Let the user that runs Pulumi write in the webroot.",
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
