// What certificates in flight cost the provider process.
import type { BenchPebble } from "./acme-pebble.ts";
import { type Heap, PARALLEL, type Up, upCertificates, upWaiting } from "./acme-up.ts";
import { type Measurement, median } from "./measurement.ts";

/** "Speed and memory": megabytes per 100 certificates in flight. */
const MOST = 32;

/** Megabytes of the process at its peak, and how many were in flight. */
interface Peak {
  readonly megabytes: number;
  readonly inFlight: number;
}

/**
 * The growth over the process with one certificate, which has loaded all that it ever loads: as it is, where V8 keeps
 * what nobody needs while memory is free, and with a small heap, where what is left is in use.
 *
 * @param ups of `size` certificates, measured already.
 */
export async function measureMemory(pebble: BenchPebble, ups: readonly Up[], size: number): Promise<Measurement[]> {
  const usual = ups.flatMap(peakOf);
  const small = peakOf(await upCertificates(pebble, size, "small"));
  const one = async (heap: Heap) => peakOf(await upCertificates(pebble, 1, heap))[0]?.megabytes;
  const [usualOne, smallOne] = [await one("usual"), await one("small")];
  const [waiting, waitingOne] = [await upWaiting(size), await upWaiting(1)];
  const isAllKnown = usualOne !== undefined && smallOne !== undefined && waiting !== undefined;
  if (!isAllKnown || waitingOne === undefined || usual.length === 0 || small.length === 0) {
    console.error("the size of the provider process is not known on this system: not measured");
    return [];
  }
  const reference = {
    value: growth([{ megabytes: waiting, inFlight: Math.min(size, PARALLEL) }], waitingOne),
    unit: "",
    what: "as many resources that wait 2 s",
  } as const;
  const target = { of: "measured", atMost: MOST } as const;
  return [
    {
      subject: "  MB that the provider process grows by, per 100 in flight",
      measured: { value: growth(usual, usualOne), unit: "" },
      reference,
      target,
      note: describe(usual, usualOne),
    },
    {
      subject: "  the same with a heap of 64 MB",
      measured: { value: growth(small, smallOne), unit: "" },
      target,
      note: describe(small, smallOne),
    },
  ];
}

function peakOf({ megabytes, counts }: Up): Peak[] {
  return megabytes === undefined ? [] : [{ megabytes, inFlight: counts.mostInFlight }];
}

function growth(peaks: readonly Peak[], one: number): number {
  return median(peaks.map(({ megabytes, inFlight }) => (100 * Math.max(0, megabytes - one)) / inFlight));
}

function describe(peaks: readonly Peak[], one: number): string {
  const texts = peaks.map(({ megabytes, inFlight }) => `${megabytes.toFixed(0)} MB with ${inFlight} in flight`);
  return `${one.toFixed(0)} MB with one certificate, at its peak ${texts.join(", ")}`;
}
