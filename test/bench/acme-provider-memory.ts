// How large the engine's provider process becomes, as Linux tells it.
import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds between two looks; the peak is the system's own, so that nothing is missed but the very end. */
const PERIOD = 200;

/** Megabytes of the largest provider process below this one, at its peak, while `work` runs; undefined where /proc lacks. */
export async function watchProvider<T>(work: () => Promise<T>): Promise<{ result: T; megabytes: number | undefined }> {
  let megabytes: number | undefined;
  const timer = setInterval(() => {
    // the engine starts one to ask what it is, and another one for the work
    for (const pid of findProviders()) megabytes = Math.max(megabytes ?? 0, readPeak(pid));
  }, PERIOD);
  try {
    return { result: await work(), megabytes };
  } finally {
    clearInterval(timer);
  }
}

/** Pulumi starts `node …/cmd/dynamic-provider <address of the engine>`. */
function findProviders(): number[] {
  return processes().filter((pid) => {
    const [program = "", ...args] = read(`/proc/${pid}/cmdline`).split("\0");
    return program.endsWith("node") && args.some((arg) => arg.includes("dynamic-provider")) && isOfThis(pid);
  });
}

function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Other runs on this machine have provider processes too. */
function isOfThis(pid: number): boolean {
  for (let at = pid; at > 1; ) {
    if (at === process.pid) return true;
    // the name in brackets may hold anything
    at = Number(read(`/proc/${at}/stat`).split(") ").at(-1)?.split(" ")[1] ?? 0);
  }
  return false;
}

function readPeak(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

/** Empty when the process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
