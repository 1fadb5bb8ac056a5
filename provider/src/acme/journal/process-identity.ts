import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";

/** Tells a process from every other one, also from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Where the number counts: the host, and on Linux its boot and its namespace of processes (a container has its own). */
  readonly space: string;
  /** When it started, in words of the system that only compare; absent where the system does not tell. */
  readonly started?: string;
}

let own: Promise<ProcessIdentity> | undefined;

/** This process. Asked of the system once. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= (async () => {
    const started = (await look(process.pid)).started;
    return { pid: process.pid, space: await ownSpace(), ...(started !== undefined && { started }) };
  })();
  return own;
}

/**
 * Whether a process still runs: false when its number is free, given to another process, or one of a process that has
 * ended and was not collected; undefined when that can't be told from here, since its number counts elsewhere.
 */
export async function isRunning(identity: ProcessIdentity): Promise<boolean | undefined> {
  const self = await ownIdentity();
  if (identity.space !== self.space) return undefined;
  if (identity.pid === self.pid) return identity.started === self.started;
  const { exists, started } = await look(identity.pid);
  if (!exists) return false;
  return started === undefined || identity.started === undefined || started === identity.started;
}

async function ownSpace(): Promise<string> {
  const parts = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
    readlink("/proc/self/ns/pid").catch(() => ""),
  ]);
  return [hostname(), ...parts.map((part) => part.trim())].filter((part) => part !== "").join(" ");
}

interface Look {
  readonly exists: boolean;
  readonly started?: string;
}

async function look(pid: number): Promise<Look> {
  if (!hasProcess(pid)) return { exists: false };
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return (await lookByPs(pid)) ?? { exists: hasProcess(pid) };
  // proc(5): state is the 3rd field and the start, in ticks since boot, the 22nd; the 2nd may hold spaces and brackets
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", started = ""] = [fields[0], fields[19]];
  return state === "Z" || state === "X" ? { exists: false } : { exists: true, started };
}

/** Where there is no /proc: macOS. */
async function lookByPs(pid: number): Promise<Look | undefined> {
  const answer = await new Promise<string | undefined>((resolve) => {
    const env = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
    const options = { env, timeout: 5000, encoding: "utf8" } as const;
    execFile("ps", ["-o", "stat=,lstart=", "-p", String(pid)], options, (error, stdout) => {
      resolve(error === null ? stdout.trim() : undefined);
    });
  });
  const [, state = "", started = ""] = /^(\S+)\s+(\S.*)$/.exec(answer ?? "") ?? [];
  if (started === "") return undefined;
  return state.startsWith("Z") ? { exists: false } : { exists: true, started };
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is somebody else's
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
