// The programs that benchmarks run: a fleet of sites as resources and as data, and trivial resources for comparison.
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, Gateway, type GatewaySiteArgs, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { type StoredResource, storeOnce, TrivialResource } from "./bench-stack.ts";

/** As many sites with a leaf certificate each, their CA and their gateway: 2 × size + 2 resources. */
export function runSites(size: number): void {
  const ca = new SelfSignedCA("ca");
  const sites = Array.from({ length: size }, (_, index) => {
    const host = `${nameOf(index)}.example.com`;
    const certificate = ca.issue(`leaf-${nameOf(index)}`, { hostnames: [host] });
    return new Site(nameOf(index), { binds: [`${host}:443`], tls: { certificate } });
  });
  new Gateway("gateway", { kind: "cells", sites });
}

/** What a program gives for a chain that exists already. */
export interface ChainArguments {
  readonly certPem: string;
  readonly issuerPem: string;
  readonly privateKeyPem: string;
  readonly roots: string;
  readonly hostnames: readonly string[];
}

/** As many chains, their keys secret, as they come from a program's configuration. */
export function runChains(chains: readonly ChainArguments[]): void {
  for (const [index, { privateKeyPem, hostnames, ...given }] of chains.entries()) {
    const args = { ...given, hostnames: [...hostnames], privateKeyPem: pulumi.secret(privateKeyPem) };
    new CertificateChain(nameOf(index), args);
  }
}

/** Trivial resources with these properties. */
export function runTrivial(resources: readonly Readonly<Record<string, unknown>>[]): void {
  for (const [index, properties] of resources.entries()) new TrivialResource(`trivial-${index}`, properties);
}

/** A trivial resource as it is stored, with `payload: ""`. */
export async function storeEmpty(): Promise<StoredResource> {
  const [trivial] = await storeOnce(async () => runTrivial([{ payload: "" }]));
  if (trivial === undefined) throw new Error("the trivial resource is not in the state");
  return trivial;
}

/**
 * Gives each resource a trivial counterpart with as much state: one text, or the same inputs, secret ones as secrets,
 * and one text for the rest. A property of a trivial resource is stored twice, among inputs and outputs.
 *
 * @param empty from {@link storeEmpty}.
 */
export function counterparts(
  resources: readonly StoredResource[],
  empty: StoredResource,
  shape: "one text" | "same inputs",
): Record<string, unknown>[] {
  return resources.map((resource) => {
    const { __provider: _, ...inputs } = resource.inputs ?? {};
    const kept = shape === "one text" ? {} : inputs;
    const missing = sizeOf(resource) - sizeOf(empty) - 2 * sizeOf(kept);
    const payload = "x".repeat(Math.max(1, Math.round(missing / 2)));
    return { ...Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, disguise(value)])), payload };
  });
}

/** The cipher of a secret, as a secret of about the length that it was made from. */
function disguise(value: unknown): unknown {
  const ciphertext = (value as { ciphertext?: unknown } | undefined)?.ciphertext;
  if (typeof ciphertext !== "string") return value;
  // base64 of the JSON text, a nonce and a tag
  return pulumi.secret("x".repeat(Math.max(1, Math.round(ciphertext.length * 0.75) - 40)));
}

/** Bytes of a resource in the checkpoint file, by which it grows when it gets one more of it, indentation apart. */
export function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Sites as data, of all ways of TLS that need no other resource. */
export function makeSites(size: number): GatewaySiteArgs[] {
  return Array.from({ length: size }, (_, index): GatewaySiteArgs => {
    const name = nameOf(index);
    const host = `${name}.example.com`;
    if (index % 3 === 0) return { name, binds: [`${host}:443`], tls: { selfSigned: {} }, redirectToHttps: true };
    if (index % 3 === 1) {
      const certificate = { certFile: `/etc/tls/${name}.pem`, keyFile: `/etc/tls/${name}-key.pem` };
      const header = { on: "response", action: "set", name: "X-Frame-Options", value: "DENY" } as const;
      return { name, binds: [`${host}:443`], tls: { certificate }, headers: [header] };
    }
    return { name, binds: [`${host}:8080`], tls: "disabled", maintenance: { except: ["10.0.0.0/8"] } };
  });
}

function nameOf(index: number): string {
  return `site-${String(index).padStart(5, "0")}`;
}
