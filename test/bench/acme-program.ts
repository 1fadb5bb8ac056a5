// The programs that the benchmark of ACME runs: certificates of one account, and as many resources that do nothing.
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate } from "pulumi-tls-gateway";
import type { BenchPebble } from "./acme-pebble.ts";

/** How long a waiting resource takes, as long as a certificate of a fast CA. Milliseconds. */
const WAIT = 2000;

/** Every name is another one, so that no authorization is used again. */
export function hostOf(index: number, of: string): string {
  return `shop-${String(index).padStart(5, "0")}.${of}.test`;
}

/** An account, and as many certificates of one name each, proved by http-01 through one listener. */
export function runCertificates({ directoryUrl, caBundlePem, httpPort: port }: BenchPebble, size: number): void {
  const account = new AcmeAccount("ca", { directory: directoryUrl, caBundlePem, acceptTermsOfService: true });
  for (let index = 0; index < size; index++) {
    new AcmeCertificate(`shop-${index}`, {
      account,
      hostnames: [hostOf(index, "ours")],
      challenge: { type: "http-01", port, address: "127.0.0.1" },
    });
  }
}

/** As many resources that wait instead, and their state is empty. */
export function runWaiting(size: number): void {
  for (let index = 0; index < size; index++) new WaitingResource(`waiting-${index}`);
}

class WaitingResource extends pulumi.CustomResource {
  constructor(name: string) {
    const wait = `new Promise((done) => setTimeout(done, ${WAIT}, { id: "waiting", outs: {} }))`;
    const __provider = `exports.handler = () => ({ check: async (_, inputs) => ({ inputs }), create: () => ${wait} });`;
    super("pulumi-nodejs:dynamic/bench:Waiting", name, { __provider });
  }
}
