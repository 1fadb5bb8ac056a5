// The provider's own work for certificates, without Pulumi around it: each sample is a fresh Node, as the provider process is
// one. This file is both, the start of that process and what runs in it.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { acmeAccount } from "../../provider/dist/lifecycle/acme/account.js";
import { acmeCertificate } from "../../provider/dist/lifecycle/acme/certificate.js";
import type { Lifecycle, Properties } from "../../provider/dist/lifecycle/lifecycle.js";
import type { BenchPebble } from "./acme-pebble.ts";
import { timed } from "./measurement.ts";

/** Not from bench-stack.ts, which would load Pulumi into the process. */
const programFolder = resolve(import.meta.dirname, "../..");

/** What the process is told. */
interface Task {
  readonly directory: string;
  readonly caBundlePem: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly parallel: number;
}

/** Milliseconds for an account and a certificate for each of these names, so many at once, its loading left out. */
export async function timeWithoutEngine(
  { directoryUrl: directory, caBundlePem, httpPort: port }: BenchPebble,
  hosts: readonly string[],
  parallel: number,
): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "tls-gateway-home-"));
  const task: Task = { directory, caBundlePem, port, hosts, parallel };
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", import.meta.filename, JSON.stringify(task)],
      { cwd: programFolder, env: { ...process.env, TLS_GATEWAY_HOME: home }, timeout: 600_000, maxBuffer: 1 << 24 },
    );
    return Number(stdout);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function obtainAll({ directory, caBundlePem, port, hosts, parallel }: Task): Promise<void> {
  const account = await create(acmeAccount, { directory, caBundlePem, acceptTermsOfService: true });
  const { accountUrl, accountKeyPem, directoryUrl } = account;
  const challenge = { type: "http-01", port, address: "127.0.0.1" };
  const waiting = [...hosts];
  const work = async () => {
    for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
      const given = { accountUrl, accountKeyPem, directoryUrl, caBundlePem, challenge, hostnames: [host] };
      await create(acmeCertificate, given);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/** As the adapter does it. */
async function create(lifecycle: Lifecycle, given: Properties): Promise<Properties> {
  const { inputs, failures } = lifecycle.check({}, given, new Date());
  if (inputs === undefined) throw new Error(`${lifecycle.name} was refused: ${JSON.stringify(failures)}`);
  const { outputs } = await lifecycle.create(inputs, { now: new Date() });
  return { ...inputs, ...outputs };
}

if (import.meta.main) console.log(await timed(() => obtainAll(JSON.parse(process.argv[2] ?? "{}") as Task)));
