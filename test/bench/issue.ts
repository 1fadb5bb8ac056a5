// Issuing in process, as the provider does it, against what nobody can leave out (the key), and against mkcert.
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Properties } from "../../provider/dist/lifecycle/lifecycle.js";
import { leafCertificate } from "../../provider/dist/lifecycle/local/leaf-certificate.js";
import { selfSignedCa } from "../../provider/dist/lifecycle/local/self-signed-ca.js";
import { type Benchmark, describeSpread, interleave, type Measurement, median, timed } from "./measurement.ts";

/** "Speed and memory": milliseconds for a P-256 leaf; a trial reached 0.4. */
const MOST_P256 = 1;

/** How often each is issued: an RSA key takes up to a second, and as long as chance wills. */
const keyTypes = { P256: 300, P384: 100, Ed25519: 300, RSA2048: 15, RSA3072: 9, RSA4096: 5 } as const;

type KeyType = keyof typeof keyTypes;

export const issue: Benchmark = {
  name: "issue",
  title: "issuing a leaf certificate in process",
  run: async ({ runs }) => {
    const ca = await makeCa();
    const measurements: Measurement[] = [];
    for (const [keyType, times] of Object.entries(keyTypes) as [KeyType, number][]) {
      measurements.push(await measureKeyType(ca, keyType, runs ?? times));
    }
    measurements.push(...(await measureMkcert(ca, runs ?? 9)));
    return measurements;
  },
};

async function makeCa(): Promise<Properties> {
  const { inputs } = selfSignedCa.check({}, { name: "bench" }, new Date());
  if (inputs === undefined) throw new Error("the CA was refused");
  const { outputs } = await selfSignedCa.create(inputs, { now: new Date() });
  return { ...inputs, ...outputs };
}

/** What the provider does before it issues: everything but the certificate. */
function checkLeaf(ca: Properties, keyType: KeyType): Properties {
  const { certPem: caCertPem, privateKeyPem: caPrivateKeyPem } = ca;
  const given = { caCertPem, caPrivateKeyPem, hostnames: ["cells.example.com"], keyType };
  const { inputs, failures } = leafCertificate.check({}, given, new Date());
  if (inputs === undefined) throw new Error(`the leaf was refused: ${JSON.stringify(failures)}`);
  return inputs;
}

/** `check` and `create` of one leaf, as a first up calls them. */
async function issueLeaf(ca: Properties, keyType: KeyType): Promise<void> {
  await leafCertificate.create(checkLeaf(ca, keyType), { now: new Date() });
}

async function measureKeyType(ca: Properties, keyType: KeyType, runs: number): Promise<Measurement> {
  // the first one compiles
  await issueLeaf(ca, keyType);
  const inputs = checkLeaf(ca, keyType);
  const { leaf, key } = await interleave(runs, {
    leaf: () => timed(() => leafCertificate.create(inputs, { now: new Date() })),
    key: () => timed(() => generateKey(keyType)),
  });
  return {
    subject: keyType,
    measured: { value: median(leaf), unit: "ms" },
    reference: { value: median(key), unit: "ms", what: "making the key alone" },
    ...(keyType === "P256" && { target: { of: "measured", atMost: MOST_P256 } }),
    note: describeSpread(leaf),
  };
}

function generateKey(keyType: KeyType): void {
  if (keyType === "Ed25519") generateKeyPairSync("ed25519");
  else if (keyType === "P256" || keyType === "P384") {
    generateKeyPairSync("ec", { namedCurve: keyType === "P256" ? "P-256" : "P-384" });
  } else generateKeyPairSync("rsa", { modulusLength: Number(keyType.slice(3)) });
}

/** mkcert can only be had as a process, and that is what a program without this package would start. */
async function measureMkcert(ca: Properties, runs: number): Promise<Measurement[]> {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-mkcert-"));
  try {
    writeFileSync(join(folder, "rootCA.pem"), String(ca.certPem));
    writeFileSync(join(folder, "rootCA-key.pem"), String(ca.privateKeyPem));
    const env = { ...process.env, CAROOT: folder };
    const run = () =>
      promisify(execFile)("mkcert", ["-ecdsa", "cells.example.com"], { cwd: folder, env, timeout: 30_000 });
    await run();
    const { leaf, mkcert } = await interleave(runs, {
      leaf: () => timed(() => issueLeaf(ca, "P256")),
      mkcert: () => timed(run),
    });
    return [
      {
        subject: "P256, with its check",
        measured: { value: median(leaf), unit: "ms" },
        reference: { value: median(mkcert), unit: "ms", what: "`mkcert -ecdsa` as a process" },
        note: describeSpread(mkcert),
      },
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    console.error("mkcert is not installed: not compared with it");
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
