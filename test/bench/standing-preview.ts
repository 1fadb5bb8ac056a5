// Previews in which nothing is due: certificates against as many trivial resources, without and with the CA being asked when to
// renew each; and orders, of which the CA is asked what became of them.
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchPebble } from "./acme-pebble.ts";
import { PARALLEL } from "./acme-up.ts";
import { BenchStack } from "./bench-stack.ts";
import { counterparts, runTrivial, storeEmpty } from "./fleet-program.ts";
import { type BenchOptions, describeSpread, interleave, type Measurement, median } from "./measurement.ts";
import { runOrders, runStanding } from "./standing-program.ts";

const SIZES = [1_000];
const ORDERS = [200];
const RUNS = 5;

/** The first one finds nothing in the machine's caches. */
const WARM_UP = 1;

/** "Speed and memory", for 1,000 certificates: times trivial resources, and milliseconds more when each is asked for. */
const LARGE = { certificates: 1_000, ratio: 1.2, asked: 3_000 };

/** A certificate of 90 days is so near its renewal at once. */
const RENEWAL_INFO_DAYS = 80;

/** Milliseconds; Pebble's answers are good for six hours. */
const DAY = 86_400_000;

/** Writes no state between two resources, or an up of 1,000 would take minutes that nobody measures. */
const oneCheckpoint = { PULUMI_SKIP_CHECKPOINTS: "true" } as const;

export async function measurePreviews({ sizes, runs = RUNS }: BenchOptions): Promise<Measurement[]> {
  const pebble = await BenchPebble.start({ believes: true });
  // the journal goes to a folder of its own, so that no run finds what another one left
  const home = mkdtempSync(join(tmpdir(), "tls-gateway-home-"));
  process.env.TLS_GATEWAY_HOME = home;
  try {
    const measurements: Measurement[] = [];
    for (const size of sizes ?? SIZES) measurements.push(...(await measureCertificates(pebble, size, runs)));
    for (const size of sizes ?? ORDERS) measurements.push(await measureOrders(pebble, size, runs));
    return measurements;
  } finally {
    delete process.env.TLS_GATEWAY_HOME;
    await pebble.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

/** PEM of a key for an account. */
export function makeAccountKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

async function measureCertificates(pebble: BenchPebble, size: number, runs: number): Promise<Measurement[]> {
  const stacks = await createStacks(pebble, size);
  const tomorrow = new Date(Date.now() + DAY).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
  try {
    const { ours, asked, text, inputs } = await interleave(
      runs,
      {
        ours: () => counting(pebble, 0, () => stacks.ours.preview()),
        asked: () =>
          counting(pebble, size, () => withEnvironment({ TLS_GATEWAY_AS_OF: tomorrow }, () => stacks.ours.preview())),
        text: () => stacks.text.preview(),
        inputs: () => stacks.inputs.preview(),
      },
      WARM_UP,
    );
    const isLarge = size >= LARGE.certificates;
    const measured = { value: median(ours), unit: "ms" } as const;
    return [
      {
        subject: `${size} certificates: no-change preview`,
        measured,
        reference: { value: median(text), unit: "ms", what: "trivial resources with as much state" },
        ...(isLarge && { target: { of: "ratio", atMost: LARGE.ratio } }),
        note: describeSpread(ours),
      },
      {
        subject: "  the same",
        measured,
        reference: { value: median(inputs), unit: "ms", what: "trivial resources with the same inputs and secrets" },
        note: describeSpread(inputs),
      },
      {
        subject: "  what it takes more a day later, when the CA is asked for each window",
        // each against its neighbour: the machine may be slower for a minute
        measured: { value: median(asked.map((time, run) => time - (ours[run] ?? Number.NaN))), unit: "ms" },
        ...(isLarge && { target: { of: "measured", atMost: LARGE.asked } }),
        note: `${(median(asked) / 1000).toFixed(2)} s with ${size} GET of renewalInfo; ${describeSpread(asked)}`,
      },
    ];
  } finally {
    for (const stack of Object.values(stacks)) stack.remove();
  }
}

/** Each applied once: certificates that nobody validated, and trivial resources with as much state. */
async function createStacks(pebble: BenchPebble, size: number) {
  const accountKeyPem = makeAccountKey();
  const args = { propagation: false, renewalInfoDays: RENEWAL_INFO_DAYS } as const;
  const ours = await BenchStack.create("ours", async () => runStanding(pebble, accountKeyPem, size, args));
  await withEnvironment(oneCheckpoint, () => ours.up(PARALLEL));
  const empty = await storeEmpty();
  const texts = counterparts(ours.resources, empty, "one text");
  const text = await BenchStack.create("flat", async () => runTrivial(texts));
  const shaped = counterparts(ours.resources, empty, "same inputs");
  const inputs = await BenchStack.create("flat", async () => runTrivial(shaped));
  await withEnvironment(oneCheckpoint, async () => {
    await text.up(PARALLEL);
    await inputs.up(PARALLEL);
  });
  return { ours, text, inputs };
}

/** Orders with certificates that their own state does not know before a refresh. */
async function measureOrders(pebble: BenchPebble, size: number, runs: number): Promise<Measurement> {
  const accountKeyPem = makeAccountKey();
  const stack = await BenchStack.create("ours", async () => runOrders(pebble, accountKeyPem, size));
  try {
    await withEnvironment(oneCheckpoint, () => stack.up(PARALLEL));
    pebble.takeCounts();
    const { orders } = await interleave(runs, { orders: () => stack.preview() }, WARM_UP);
    const { signed } = pebble.takeCounts();
    return {
      subject: `${size} orders with their certificates, not known yet: no-change preview`,
      measured: { value: median(orders), unit: "ms" },
      note: `${(signed / (runs + WARM_UP) / size).toFixed(2)} signed requests each; ${describeSpread(orders)}`,
    };
  } finally {
    stack.remove();
  }
}

/** @throws Error when the CA was asked for another number of windows meanwhile: then something else was measured. */
async function counting(pebble: BenchPebble, expected: number, work: () => Promise<number>): Promise<number> {
  pebble.takeCounts();
  const time = await work();
  const { renewalInfo } = pebble.takeCounts();
  if (renewalInfo !== expected) throw new Error(`Pebble was asked for ${renewalInfo} windows in place of ${expected}`);
  return time;
}

/** The CLI and its provider processes have the environment of this process, where the program runs too. */
async function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}
