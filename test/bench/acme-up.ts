// Ups of the benchmark of ACME, each on a stack of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BenchPebble, RequestCounts } from "./acme-pebble.ts";
import { runCertificates, runWaiting } from "./acme-program.ts";
import { watchProvider } from "./acme-provider-memory.ts";
import { BenchStack, type StoredResource } from "./bench-stack.ts";
import { counterparts, runTrivial, storeEmpty } from "./fleet-program.ts";

/** Resources at once, in one up. */
export const PARALLEL = 64;

export type Heap = "usual" | "small";

/** One up of certificates. */
export interface Up {
  /** Milliseconds. */
  readonly time: number;
  readonly counts: RequestCounts;
  /** Of the provider process, at its peak; undefined where the system does not say. */
  readonly megabytes: number | undefined;
  readonly resources: readonly StoredResource[];
}

/** V8 collects late while memory is free; here it may not, so that what is left is in use. */
const smallHeap = { NODE_OPTIONS: "--max-old-space-size=64 --max-semi-space-size=1" } as const;

/**
 * The journal goes to a folder of its own, so that no run finds what another one left.
 * @param heap of the provider process, as Node chooses it, or as small as it does with.
 */
export async function upCertificates(pebble: BenchPebble, size: number, heap: Heap = "usual"): Promise<Up> {
  const home = mkdtempSync(join(tmpdir(), "tls-gateway-home-"));
  const program = async () => runCertificates(pebble, size);
  const stack = await BenchStack.create("ours", program, {
    TLS_GATEWAY_HOME: home,
    ...(heap === "small" && smallHeap),
  });
  try {
    pebble.takeCounts();
    const { result: time, megabytes } = await watchProvider(() => stack.up(PARALLEL));
    const counts = pebble.takeCounts();
    if (counts.certificates !== size) throw new Error(`Pebble issued ${counts.certificates} certificates of ${size}`);
    return { time, counts, megabytes, resources: stack.resources };
  } finally {
    stack.remove();
    rmSync(home, { recursive: true, force: true });
  }
}

/** Milliseconds of an up of trivial resources, as many and with as much state as these. */
export async function upTrivial(resources: readonly StoredResource[]): Promise<number> {
  const alike = counterparts(resources, await storeEmpty(), "same inputs");
  const stack = await BenchStack.create("flat", async () => runTrivial(alike));
  try {
    return await stack.up(PARALLEL);
  } finally {
    stack.remove();
  }
}

/** Megabytes of the provider process during an up of resources that wait for two seconds. */
export async function upWaiting(size: number): Promise<number | undefined> {
  const stack = await BenchStack.create("wait", async () => runWaiting(size));
  try {
    return (await watchProvider(() => stack.up(PARALLEL))).megabytes;
  } finally {
    stack.remove();
  }
}
