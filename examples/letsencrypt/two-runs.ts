// What sessions with a local CA share: one run that orders, one that renews. No part of a real set-up.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { ExampleSession } from "../../scripts/lib/run-example.mjs";
import { ensureServerCertificate, type LocalCa, type LocalCaOptions, startLocalCa } from "./local-ca.ts";

/** An example with a local CA. */
export interface CaExample {
  /** Of its project and folder. */
  readonly name: string;
  /** Its folder, where `local-ca/` is made. */
  readonly folder: string;
  /** What its CA needs of the project's configuration. */
  readonly caOptions: (config: (name: string) => string) => Omit<LocalCaOptions, "folder" | "programs" | "directory">;
  /** What the second run shows. */
  readonly renewal: string;
  /** What runs beside the CA, and ends with it. */
  readonly startServers?: () => Promise<{ readonly stop: () => Promise<void> }>;
  /** Called after each run of `up`. */
  readonly afterRun?: () => Promise<void>;
}

/** With the local CA, `up` is two runs: one that orders, and one that renews, since the CA says so. Others are as they are. */
export async function playTwoRuns(session: ExampleSession, example: CaExample): Promise<void> {
  const { command, stack, signal, say } = session;
  const { name, renewal, startServers, afterRun } = example;
  const values = await stack.getAllConfig();
  const config = (key: string) => values[`${name}:${key}`]?.value ?? "";
  const directory = config("directory");
  if (command === "destroy" || !directory.startsWith("https://localhost:")) return session.run();
  const folder = join(example.folder, "local-ca");
  ensureServerCertificate(folder);
  // the journal of this CA's orders, apart from that of Let's Encrypt's
  process.env.TLS_GATEWAY_HOME ||= join(folder, "journal");
  // a preview asks no CA
  if (command === "preview") return session.run();

  const programs = await session.programs(["pebble", "pebble-challtestsrv"]);
  const ca = await startLocalCa({ folder, programs, directory, ...example.caOptions(config) });
  let servers: Awaited<ReturnType<NonNullable<typeof startServers>>> | undefined;
  try {
    servers = await startServers?.();
    say(`A local CA is at ${directory} until this ends; its log is examples/${name}/local-ca/pebble.log.`);
    await forgetEarlier(session, folder);
    say("\n=== First run: a certificate is ordered\n");
    await session.run();
    await afterRun?.();
    signal.throwIfAborted();
    await demandRenewal(session, ca);
    say(`\n=== Second run: ${renewal}\n`);
    await session.run();
    await afterRun?.();
  } finally {
    await Promise.all([ca.stop(), servers?.stop()]);
  }
  say(`\nThe local CA has ended, and forgotten all of it: the next \`npm run up -- ${name}\` begins anew.`);
}

/** The CA of an earlier session is gone, and with it the account and the certificate: this one knows neither. */
async function forgetEarlier({ stack, options, say }: ExampleSession, folder: string): Promise<void> {
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
