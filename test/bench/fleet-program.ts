// The programs that benchmarks run: a fleet of sites as resources and as data, and trivial resources for comparison.
import { Gateway, type GatewaySiteArgs, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { type StoredResource, TrivialResource } from "./bench-stack.ts";

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

/** As many trivial resources, each with as much state as its counterpart. */
export function runTrivial(payloads: readonly number[]): void {
  for (const [index, bytes] of payloads.entries()) {
    new TrivialResource(`trivial-${index}`, "x".repeat(bytes));
  }
}

/** The length of the payload that gives a trivial resource the size of each of these: it is in inputs and outputs. */
export function payloadsFor(resources: readonly StoredResource[], trivial: StoredResource): number[] {
  const empty = sizeOf(trivial) - 2 * String(trivial.outputs?.payload).length;
  return resources.map((resource) => Math.max(1, Math.round((sizeOf(resource) - empty) / 2)));
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
