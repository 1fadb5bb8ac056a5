import { randomBytes } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isTlsError, TlsError } from "../../../errors";
import { renderQuoted } from "../../../text/quoted";
import { TurnsByName } from "../../run/turns";
import { refusalsOf } from "../refusal";
import { type ChallengeSolver, type ChallengeTask, checkToken, type WebrootSettings } from "../solver";
import { challengeFolder } from "./answer";

/** Stands in the innermost folder when we made it, and says how many of the two: a later process removes them too. */
const marker = ".made-by-tls-gateway";

/** Other processes may remove the folder between its making and the file; each of them does so once. */
const mostTries = 5;

/** The certificates of this process that share a webroot neither make nor remove its folders at the same time. */
const turns = new TurnsByName();

/**
 * Answers http-01 by files `<webroot>/.well-known/acme-challenge/<token>` (RFC 8555 section 8.3), mode 0644, each whole or
 * not there. Folders that are missing are made with mode 0755 and removed with the last file. Not checked: that a web
 * server serves the folder, since from here another address may be seen than from the CA.
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
      const failures: unknown[] = [];
      await turns.take(root, async () => {
        for (const task of tasks) await removeAnswer(root, task).catch((error: unknown) => failures.push(error));
        await removeFolders(root).catch((error: unknown) => failures.push(failure(root, "removing", error)));
      });
      if (failures.length > 0) throw failures[0];
    },
  };
}

async function writeAnswer(root: string, { token, keyAuthorization }: ChallengeTask): Promise<void> {
  const file = join(root, challengeFolder, checkToken(token));
  // the name begins with a dot, which no token does, and only its own writer knows the end
  const temporary = join(root, challengeFolder, `.${token}.${randomBytes(6).toString("hex")}.tmp`);
  for (let tries = 1; ; tries += 1) {
    try {
      await makeFolders(root);
      await writeReadable(temporary, keyAuthorization);
      await rename(temporary, file);
      return;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      if (tries < mostTries && codeOf(error) === "ENOENT" && (await isFolder(root))) continue;
      throw failure(root, "writing", error);
    }
  }
}

/** Mode 0644 whatever the umask is: the web server is another user. */
async function writeReadable(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o644);
  try {
    await handle.writeFile(text);
    await handle.chmod(0o644);
  } finally {
    await handle.close();
  }
}

/** The webroot itself must be there: a wrong path would be made, and served by nobody. */
async function makeFolders(root: string): Promise<void> {
  if (!(await isFolder(root))) {
    throw new TlsError(
      "ACME_CHALLENGE",
      `writing the challenge file: the webroot ${renderQuoted(root)} is no folder.`,
      {
        hint: "Give the folder that the web server on port 80 of the site serves, on the machine that runs Pulumi.",
      },
    );
  }
  const madeOuter = await makeFolder(join(root, ".well-known"));
  const inner = join(root, challengeFolder);
  if (await makeFolder(inner)) await writeFile(join(inner, marker), madeOuter ? "2" : "1", { mode: 0o644 });
}

async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, 0o755);
    await chmod(path, 0o755);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await isFolder(path))) return false;
    throw error;
  }
}

/** Only what holds this very answer is ours; a temporary file is left when its writer was killed. */
async function removeAnswer(root: string, { token, keyAuthorization }: ChallengeTask): Promise<void> {
  const folder = join(root, challengeFolder);
  const file = join(folder, checkToken(token));
  try {
    const isOurs = (await readFile(file, "utf8").catch(unlessGone)) === keyAuthorization;
    if (isOurs) await rm(file, { force: true });
    const left = ((await readdir(folder).catch(unlessGone)) ?? []).filter((name) => isTemporary(name, token));
    for (const name of left) await rm(join(folder, name), { force: true });
  } catch (error) {
    throw failure(root, "removing", error);
  }
}

function isTemporary(name: string, token: string): boolean {
  return name.startsWith(`.${token}.`) && name.endsWith(".tmp");
}

/** Removes the folders that the marker tells of, when nothing else stands in them. */
async function removeFolders(root: string): Promise<void> {
  const inner = join(root, challengeFolder);
  const names = (await readdir(inner).catch(unlessGone)) ?? [];
  if (names.length !== 1 || names[0] !== marker) return;
  const made = await readFile(join(inner, marker), "utf8").catch(unlessGone);
  await rm(join(inner, marker), { force: true });
  await rmdir(inner).catch(unlessUsed);
  if (made === "2") await rmdir(join(root, ".well-known")).catch(unlessUsed);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

function unlessGone(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

function unlessUsed(error: unknown): void {
  if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(codeOf(error))) throw error;
}

function failure(root: string, doing: "writing" | "removing", error: unknown): TlsError {
  if (isTlsError(error)) return error;
  const where = renderQuoted(`${root}/${challengeFolder}`);
  return new TlsError("ACME_CHALLENGE", `${doing} the challenge file in ${where}: ${codeOf(error)}.`, {
    hint: "Let the user that runs Pulumi write in the webroot.",
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
