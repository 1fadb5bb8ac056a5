// Certificates that are validated by records that stand, against the listener of http-01, from Pebbles on this machine.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchPebble, type RequestCounts } from "./acme-pebble.ts";
import { watchProvider } from "./acme-provider-memory.ts";
import { PARALLEL, type Up, upCertificates } from "./acme-up.ts";
import { BenchStack } from "./bench-stack.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median } from "./measurement.ts";
import { makeAccountKey, measurePreviews } from "./standing-preview.ts";
import { runRecords, runStanding, type TxtRecord } from "./standing-program.ts";

const SIZES = [200];
const RUNS = 3;

/** "Speed and memory": times the listener, for so many; fewer don't outweigh the start of a process. */
const LARGE = { certificates: 200, ratio: 1 };

export const standing: Benchmark = {
  name: "standing",
  title: "certificates validated by records that stand, and previews in which nothing is due",
  run: async (options) => {
    const { sizes = SIZES, runs = RUNS } = options;
    const measurements: Measurement[] = [];
    for (const size of sizes) measurements.push(...(await measureUps(size, runs)));
    return [...measurements, ...(await measurePreviews(options))];
  },
};

/** Each way at a Pebble of its own, set up alike; the records are there before. */
async function measureUps(size: number, runs: number): Promise<Measurement[]> {
  const [ofListener, ofRecords] = [await BenchPebble.start(), await BenchPebble.start()];
  try {
    const accountKeyPem = makeAccountKey();
    await placeRecords(ofRecords, accountKeyPem, size);
    const counts: { ours: RequestCounts[]; listener: Up["counts"][] } = { ours: [], listener: [] };
    const { ours, listener } = await interleave(runs, {
      ours: async () => {
        const up = await upStanding(ofRecords, accountKeyPem, size);
        counts.ours.push(up.counts);
        return up.time;
      },
      listener: async () => {
        const up = await upCertificates(ofListener, size);
        counts.listener.push(up.counts);
        return up.time;
      },
    });
    const signed = (all: readonly { readonly signed: number }[]) => Math.max(...all.map((one) => one.signed)) / size;
    return [
      {
        subject: `${size} certificates by records that stand: first up`,
        measured: { value: median(ours), unit: "ms" },
        reference: { value: median(listener), unit: "ms", what: "the listener of http-01" },
        ...(size >= LARGE.certificates && { target: { of: "ratio", atMost: LARGE.ratio } }),
        note: `${describeSpread(ours)}; the listener's ${describeSpread(listener)}`,
      },
      {
        subject: "  signed requests a certificate",
        measured: { value: signed(counts.ours), unit: "" },
        reference: { value: signed(counts.listener), unit: "", what: "the listener of http-01" },
      },
    ];
  } finally {
    await Promise.all([ofListener.stop(), ofRecords.stop()]);
  }
}

/** Puts into the DNS what the account says. */
async function placeRecords(pebble: BenchPebble, accountKeyPem: string, size: number): Promise<void> {
  let records: readonly TxtRecord[] = [];
  const stack = await BenchStack.create("once", async () => {
    const done = runRecords(pebble, accountKeyPem, size, (found) => {
      records = found;
    });
    return { done };
  });
  try {
    await stack.up();
  } finally {
    stack.remove();
  }
  if (records.length !== size) throw new Error(`the account has ${records.length} records for ${size} names`);
  for (const [name, value] of records) await pebble.setTxt(name, value);
}

/** The journal goes to a folder of its own, so that no run finds what another one left. */
async function upStanding(pebble: BenchPebble, accountKeyPem: string, size: number) {
  const home = mkdtempSync(join(tmpdir(), "tls-gateway-home-"));
  const propagation = { resolvers: [pebble.dnsAddress], authoritative: false };
  const program = async () => runStanding(pebble, accountKeyPem, size, { propagation });
  const stack = await BenchStack.create("ours", program, { TLS_GATEWAY_HOME: home });
  try {
    pebble.takeCounts();
    // as the other way is watched, which takes a little time
    const { result: time } = await watchProvider(() => stack.up(PARALLEL));
    const counts = pebble.takeCounts();
    if (counts.certificates !== size) throw new Error(`Pebble issued ${counts.certificates} certificates of ${size}`);
    return { time, counts };
  } finally {
    stack.remove();
    rmSync(home, { recursive: true, force: true });
  }
}
