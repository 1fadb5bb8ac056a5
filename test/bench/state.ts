// What a resource costs in the checkpoint file, in bytes as the file backend stores them (compact JSON).
import { type StoredResource, storeOnce } from "./bench-stack.ts";
import { runSites, sizeOf } from "./fleet-program.ts";
import type { Benchmark, Measurement } from "./measurement.ts";

/** Targets of "Speed and memory", in bytes. */
const MOST_PROVIDER = 80;
const MOST_SITE = 1500;
const MOST_LEAF = 2500;

/** Properties whose text is content and no overhead: certificates, and ciphers of keys. */
const PEM_PROPERTIES = ["certPem", "caCertPem", "privateKeyPem", "caPrivateKeyPem"];

export const state: Benchmark = {
  name: "state",
  title: "bytes in the checkpoint file, in a program of one site with a leaf certificate, CA and gateway",
  run: async () => measure(await storeOnce(async () => runSites(1))),
};

function measure(resources: readonly StoredResource[]): Measurement[] {
  const providers = resources.map(({ inputs }) => Buffer.byteLength(String(inputs?.__provider)));
  const [site, leaf] = [find(resources, "Site"), find(resources, "LeafCertificate")];
  return [
    bytes("__provider, the longest", Math.max(...providers), MOST_PROVIDER),
    bytes("site, as stored", sizeOf(site), MOST_SITE),
    bytes("site, without the SDK's stack trace of the program", sizeOf(withoutTrace(site)), MOST_SITE),
    bytes("leaf, as stored", sizeOf(leaf)),
    bytes("leaf, beyond PEM texts and ciphers of keys", sizeOf(leaf) - contentOf(leaf), MOST_LEAF),
    bytes("leaf, also without the stack trace", sizeOf(withoutTrace(leaf)) - contentOf(leaf), MOST_LEAF),
    bytes("CA, as stored", sizeOf(find(resources, "SelfSignedCA"))),
    bytes("gateway of one site, as stored", sizeOf(find(resources, "Gateway"))),
  ];
}

function bytes(subject: string, value: number, atMost?: number): Measurement {
  const target = atMost === undefined ? {} : { target: { of: "measured", atMost } as const };
  return { subject, measured: { value, unit: "B" }, ...target };
}

function find(resources: readonly StoredResource[], kind: string): StoredResource {
  const found = resources.find(({ type }) => type.endsWith(`:${kind}`));
  if (found === undefined) throw new Error(`no ${kind} in the state`);
  return found;
}

/** The SDK records where a program made each resource, deep into its own code; a trivial resource has the same. */
function withoutTrace(resource: StoredResource): StoredResource {
  const { stackTrace: _, ...rest } = resource as StoredResource & { stackTrace?: unknown };
  return rest;
}

function contentOf({ inputs = {}, outputs = {} }: StoredResource): number {
  return [inputs, outputs].flatMap((properties) => PEM_PROPERTIES.map((name) => textOf(properties[name]))).reduce(sum);
}

function textOf(value: unknown): number {
  if (typeof value === "string") return sizeOf(value);
  const ciphertext = (value as { ciphertext?: unknown } | undefined)?.ciphertext;
  return typeof ciphertext === "string" ? sizeOf(ciphertext) : 0;
}

function sum(one: number, other: number): number {
  return one + other;
}
