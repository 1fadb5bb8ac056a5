// Guards that a killed run does not stop the next one: its lock and its pending creations are cleared, and said.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { listProcesses } from "./processes.mjs";

/**
 * Where a stack of a `file://` backend is kept: the folder of the address, the project's name and the stack's.
 * @typedef {{folder: string, project: string, stack: string}} StackPlace
 */

/**
 * What the CLI writes into a lock file.
 * @typedef {{pid: number, username: string, hostname: string, timestamp: string}} StackLock
 */

/** Another run holds the stack; the message says which. */
export class StackLocked extends Error {}

/**
 * The locks on a stack; none in the common case.
 * @param {StackPlace} place
 * @returns {StackLock[]}
 */
export function readLocks(place) {
  const folder = lockFolder(place);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        return JSON.parse(readFileSync(join(folder, name), "utf8"));
      } catch (error) {
        // given back since the folder was listed
        if (!existsSync(join(folder, name))) return [];
        throw error;
      }
    });
}

/**
 * Whether the run that made a lock is certainly over: on this host no process with its number is a Pulumi CLI.
 * Of another host nothing is known.
 * @param {StackLock} lock
 */
export function isDead(lock) {
  if (lock.hostname !== hostname()) return false;
  return !listProcesses().some((process) => process.pid === lock.pid && process.command.includes("pulumi"));
}

/**
 * Removes the locks of runs that are over, and gives them back.
 * @param {import("@pulumi/pulumi/automation/index.js").Stack} stack
 * @param {StackPlace} place
 * @returns {Promise<StackLock[]>}
 * @throws {StackLocked} a run that may be alive holds the stack; nothing is removed then
 */
export async function clearDeadLocks(stack, place) {
  const locks = readLocks(place);
  const alive = locks.find((lock) => !isDead(lock));
  if (alive !== undefined) {
    const here = alive.hostname === hostname();
    const where = here ? "" : ` on host ${alive.hostname}`;
    const advice = here ? "wait for it, or end it" : `if that run is over, remove ${lockFolder(place)}`;
    const use = `in use by process ${alive.pid}${where} of ${alive.username} since ${alive.timestamp}`;
    throw new StackLocked(`the stack ${place.project}/${place.stack} is ${use}: ${advice}`);
  }
  if (locks.length > 0) await stack.cancel();
  return locks;
}

/**
 * Forgets creations that a killed run had begun, and gives their URNs back: Pulumi does not know what became of them, warns
 * at every run, and creates the resources anew. What they made outside Pulumi, if anything, stays.
 * @param {import("@pulumi/pulumi/automation/index.js").Stack} stack
 * @param {StackPlace} place
 * @returns {Promise<string[]>}
 */
export async function clearPendingCreates(stack, place) {
  // read from the file first: an export takes the CLI half a second, and there is nothing pending in the common case
  if (!readPending(place).some(isCreation)) return [];
  const state = await stack.exportStack();
  /** @type {PendingOperation[]} */
  const pending = state.deployment.pending_operations ?? [];
  state.deployment.pending_operations = pending.filter((operation) => !isCreation(operation));
  await stack.importStack(state);
  return pending.filter(isCreation).map((operation) => operation.resource.urn);
}

/** @typedef {{type: string, resource: {urn: string}}} PendingOperation */

/** @param {StackPlace} place */
function lockFolder({ folder, project, stack }) {
  return join(folder, ".pulumi/locks/organization", project, stack);
}

/** @param {PendingOperation} operation */
function isCreation(operation) {
  return operation.type === "creating";
}

/**
 * @param {StackPlace} place
 * @returns {PendingOperation[]}
 */
function readPending({ folder, project, stack }) {
  const file = join(folder, ".pulumi/stacks", project, `${stack}.json`);
  if (!existsSync(file)) return [];
  return JSON.parse(readFileSync(file, "utf8")).checkpoint?.latest?.pending_operations ?? [];
}
