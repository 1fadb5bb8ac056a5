// One gateway with a fleet of sites given as data: check and rendering in process, then previews on the engine.
import { Gateway } from "pulumi-tls-gateway";
import { type GatewayKindName, gatewayKinds } from "../../provider/dist/gateway/kinds.js";
import { parseSites } from "../../provider/dist/gateway/model/text.js";
import { gateway } from "../../provider/dist/lifecycle/site/gateway.js";
import { BenchStack, TrivialResource } from "./bench-stack.ts";
import { makeSites } from "./fleet-program.ts";
import { type Benchmark, describeSpread, interleave, type Measurement, median, timed } from "./measurement.ts";

const SIZES = [1_000, 3_000, 10_000];

/** "Speed and memory", for 10,000 sites, in milliseconds. */
const LARGE = { sites: 10_000, check: 1_000, preview: 8_000 };

/** Cells 5 knows everything that a site can say. */
const options = { version: "5" } as const;

/** Linear is 1; sorting and noise are allowed for. */
const MOST_GROWTH = 1.15;

export const fleet: Benchmark = {
  name: "fleet",
  title: "a gateway of many sites given as data",
  run: async ({ sizes = SIZES, runs }) => {
    const inProcess: Measurement[] = [];
    for (const size of sizes) inProcess.push(await measureInProcess(size, runs ?? 5));
    const onEngine: Measurement[] = [];
    for (const size of sizes) onEngine.push(...(await measureOnEngine(size, runs ?? 3)));
    return [...inProcess, ...describeGrowth(sizes, inProcess), ...onEngine];
  },
};

/** `check` of the provider and the rendering of the class, over the text that travels between them. */
async function measureInProcess(size: number, runs: number): Promise<Measurement> {
  const sites = JSON.stringify(makeSites(size));
  const things = {
    ours: () => timed(() => checkAndRender(sites)),
    parsing: () => timed(() => JSON.stringify(JSON.parse(sites))),
  };
  // the first one compiles
  const { ours, parsing } = await interleave(runs, things, 1);
  return {
    subject: `${size} sites: check and rendering in process`,
    measured: { value: median(ours), unit: "ms" },
    reference: { value: median(parsing), unit: "ms", what: "JSON.parse and JSON.stringify of it" },
    ...(size >= LARGE.sites && { target: { of: "measured", atMost: LARGE.check } }),
    note: describeSpread(ours),
  };
}

function checkAndRender(sites: string): void {
  const kind: GatewayKindName = "cells";
  const { inputs, failures } = gateway.check({}, { name: "fleet", kind, sites, options }, new Date());
  if (inputs === undefined) throw new Error(`the fleet was refused: ${JSON.stringify(failures)}`);
  const list = parseSites(String(inputs.sites));
  const { [kind]: cells } = gatewayKinds;
  const parsed = cells.parseOptions(options);
  cells.render(list, parsed);
  cells.files(list, parsed);
  cells.firewallPorts(list, parsed);
  cells.commands(list, parsed);
}

/** The exponent of the growth between the smallest and the largest fleet: 1 is linear. */
function describeGrowth(sizes: readonly number[], measurements: readonly Measurement[]): Measurement[] {
  const [first, last] = [measurements[0], measurements.at(-1)];
  const [low, high] = [sizes[0], sizes.at(-1)];
  if (first === undefined || last === undefined || low === undefined || high === undefined || low >= high) return [];
  const exponent = Math.log(last.measured.value / first.measured.value) / Math.log(high / low);
  return [
    {
      subject: `growth from ${low} to ${high} sites, exponent`,
      measured: { value: exponent, unit: "" },
      target: { of: "measured", atMost: MOST_GROWTH },
    },
  ];
}

/** Against a trivial resource that carries the same sites as one text, the least that the engine can do. */
async function measureOnEngine(size: number, runs: number): Promise<Measurement[]> {
  const sites = makeSites(size);
  const text = JSON.stringify(sites);
  const ours = await BenchStack.create("ours", async () => {
    const { configuration, firewallPorts, files } = new Gateway("fleet", { kind: "cells", sites, options });
    return { configuration, firewallPorts, files };
  });
  const floor = await BenchStack.create("flat", async () => void new TrivialResource("fleet", { payload: text }));
  try {
    const first = await interleave(runs, { ours: () => ours.preview("any"), floor: () => floor.preview("any") });
    await ours.up();
    await floor.up();
    const second = await interleave(runs, { ours: () => ours.preview(), floor: () => floor.preview() });
    return [
      describePreview(size, "first preview", first.ours, first.floor),
      describePreview(size, "no-change preview", second.ours, second.floor),
    ];
  } finally {
    ours.remove();
    floor.remove();
  }
}

function describePreview(size: number, what: string, ours: readonly number[], floor: readonly number[]): Measurement {
  return {
    subject: `${size} sites: ${what}`,
    measured: { value: median(ours), unit: "ms" },
    reference: { value: median(floor), unit: "ms", what: "a trivial resource with the same text" },
    ...(size >= LARGE.sites && { target: { of: "measured", atMost: LARGE.preview } }),
    note: describeSpread(ours),
  };
}
