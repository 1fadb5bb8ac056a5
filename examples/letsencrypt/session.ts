// What scripts/run-example.mjs does for this example: it plays the CA and its customer for two runs. No part of a real set-up.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ExampleSession } from "../../scripts/run-example.mjs";
import { ensureServerCertificate, type LocalCa, startLocalCa } from "./local-ca.ts";

const folder = resolve(import.meta.dirname, "local-ca");

/** With the local CA, `up` is two runs: one that orders, and one that renews, since the CA says so. Others are as they are. */
export async function around(session: ExampleSession): Promise<void> {
  const { command, stack, signal, say } = session;
  const config = await stack.getAllConfig();
  const directory = config["letsencrypt:directory"]?.value ?? "";
  if (command === "destroy" || !directory.startsWith("https://localhost:")) return session.run();
  ensureServerCertificate(folder);
  // the journal of this CA's orders, apart from that of Let's Encrypt's
  process.env.TLS_GATEWAY_HOME ||= join(folder, "journal");
  // a preview asks no CA
  if (command === "preview") return session.run();

  const programs = await session.programs(["pebble", "pebble-challtestsrv"]);
  const challengePort = Number(config["letsencrypt:challengePort"]?.value);
  const ca = await startLocalCa({ folder, programs, directory, challengePort });
  try {
    say(`A local CA is at ${directory} until this ends; its log is examples/letsencrypt/local-ca/pebble.log.`);
    await forgetEarlier(session);
    say("\n=== First run: a certificate is ordered\n");
    await session.run();
    signal.throwIfAborted();
    await demandRenewal(session, ca);
    say("\n=== Second run: the CA now says that the certificate is to be renewed at once\n");
    await session.run();
  } finally {
    await ca.stop();
  }
  say("\nThe local CA has ended, and forgotten all of it: the next `npm run up -- letsencrypt` begins anew.");
}

/** The CA of an earlier session is gone, and with it the account and the certificate: this one knows neither. */
async function forgetEarlier({ stack, options, say }: ExampleSession): Promise<void> {
  rmSync(join(folder, "journal"), { recursive: true, force: true });
  const { deployment } = await stack.exportStack();
  if ((deployment.resources ?? []).length === 0) return;
  await stack.destroy({ ...options, onOutput: () => {} });
  say("What the last session left was removed: its CA is gone, and with it the account and the certificate.");
}

/** The refresh is what `pulumi up --refresh` begins with. Without, the CA is asked in the ten days before a renewal. */
async function demandRenewal({ stack, options }: ExampleSession, ca: LocalCa): Promise<void> {
  const { deployment } = await stack.exportStack();
  const resources: readonly { type: string; outputs?: Record<string, unknown> }[] = deployment.resources ?? [];
  const certificate = resources.find(({ type }) => type.endsWith(":AcmeCertificate"));
  await ca.demandRenewal(String(certificate?.outputs?.certPem));
  await stack.refresh({ ...options, onOutput: () => {} });
}
