// Certificates of a CA in one up, against acme-client and against commands, all at one Pebble on this machine.
import { backOff, timeAuto } from "./acme-client-auto.ts";
import { timeCommands } from "./acme-commands.ts";
import { measureMemory } from "./acme-memory.ts";
import { BenchPebble, type RequestCounts } from "./acme-pebble.ts";
import { hostOf } from "./acme-program.ts";
import { PARALLEL, type Up, upCertificates, upTrivial } from "./acme-up.ts";
import { timeWithoutEngine } from "./acme-without-engine.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median } from "./measurement.ts";

const SIZES = [200];
const RUNS = 3;

/** How many certificates the commands get; they take seconds for each. */
const ONE_BY_ONE = 10;

/** The ratio is promised for this many: fewer don't outweigh the start of a process and one wait of a second. */
const LARGE = 200;

/** "Speed and memory": times acme-client, requests a certificate, newNonce a connection. */
const MOST = { ratio: 1.3, signed: 8, newNonce: 1 };

export const acme: Benchmark = {
  name: "acme",
  title: "certificates of a CA by http-01, from a Pebble on this machine",
  run: async ({ sizes = SIZES, runs = RUNS }) => {
    const pebble = await BenchPebble.start();
    try {
      const measurements: Measurement[] = [];
      for (const size of sizes) measurements.push(...(await measureSize(pebble, size, runs)));
      return [...measurements, ...(await measureCommands(pebble))];
    } finally {
      await pebble.stop();
    }
  },
};

async function measureSize(pebble: BenchPebble, size: number, runs: number): Promise<Measurement[]> {
  const ups: Up[] = [];
  const hosts = Array.from({ length: size }, (_, index) => hostOf(index, "bare"));
  const { ours, engine, bare, auto } = await interleave(runs, {
    ours: async () => {
      const up = await upCertificates(pebble, size);
      ups.push(up);
      return up.time;
    },
    engine: () => upTrivial(ups.at(-1)?.resources ?? []),
    bare: () => timeWithoutEngine(pebble, hosts, PARALLEL),
    auto: () => {
      pebble.takeCounts();
      return timeAuto(pebble, size, PARALLEL);
    },
  });
  const note = describeAuto(pebble.takeCounts(), size);
  const against = (value: number) =>
    ({
      measured: { value, unit: "ms" },
      reference: { value: median(auto), unit: "ms", what: `auto() of acme-client, ${PARALLEL} at once` },
    }) as const;
  const target = size >= LARGE && ({ target: { of: "ratio", atMost: MOST.ratio } } as const);
  return [
    { subject: `${size} certificates: first up`, ...against(median(ours)), ...target, note: describeSpread(ours) },
    { subject: "  without the engine", ...against(median(bare)), ...target, note: describeSpread(bare) },
    { subject: "  the engine with as many trivial resources instead", ...against(median(engine)), note },
    ...describeRequests(ups, size),
    ...(await measureMemory(pebble, ups, size)),
  ];
}

function describeAuto({ signed, newNonce, connections }: RequestCounts, size: number): string {
  const [each, nonces] = [signed, newNonce].map((count) => (count / size).toFixed(1));
  return `which looks every ${backOff.least} to ${backOff.most} ms: ${each} signed requests and ${nonces} newNonce a certificate, ${connections} connections`;
}

/** What reached the CA, the account's own requests included. */
function describeRequests(ups: readonly Up[], size: number): Measurement[] {
  const most = (of: (counts: RequestCounts) => number) => Math.max(...ups.map(({ counts }) => of(counts)));
  return [
    {
      subject: "  signed requests a certificate",
      measured: { value: most(({ signed }) => signed) / size, unit: "" },
      target: { of: "measured", atMost: MOST.signed },
    },
    {
      subject: "  newNonce a connection",
      measured: { value: most(({ newNonce, connections }) => newNonce / connections), unit: "" },
      target: { of: "measured", atMost: MOST.newNonce },
      note: ups.map(({ counts: { newNonce, connections } }) => `${newNonce} on ${connections}`).join(", "),
    },
  ];
}

/** One after the other, against one up of as many. */
async function measureCommands(pebble: BenchPebble): Promise<Measurement[]> {
  const times = await timeCommands(pebble, ONE_BY_ONE);
  if (times.length === 0) return [];
  const { time } = await upCertificates(pebble, ONE_BY_ONE);
  return times.map(({ name, time: reference }) => ({
    subject: `${ONE_BY_ONE} certificates: first up`,
    measured: { value: time, unit: "ms" },
    reference: { value: reference, unit: "ms", what: `${name}, one after the other` },
  }));
}
