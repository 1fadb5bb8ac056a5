// What scripts/lib/run-example.mjs does for this example: it plays the CA, the server and its visitors. No part of a real set-up.
import { X509Certificate } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ExampleSession } from "../../scripts/lib/run-example.mjs";
import { playTwoRuns } from "../letsencrypt/two-runs.ts";
import { ask } from "../nginx-front/ask.ts";
import { describeNginx, startNginx } from "../nginx-front/nginx.ts";
import { startApplication } from "./application.ts";

const folder = import.meta.dirname;
const host = "files.example.com";

export async function around(session: ExampleSession): Promise<void> {
  const values = await session.stack.getAllConfig();
  const port = (name: string) => Number(values[`stateless:${name}`]?.value);
  await playTwoRuns(session, {
    name: "stateless",
    folder,
    caOptions: (config) => ({ challengePort: port("httpPort"), dnsAddress: config("dnsAddress") }),
    renewal: "the CA now says that the certificate is to be renewed at once; nginx serves all the while",
    startServers: () => startServers(port("appPort")),
    afterRun: async () => {
      session.say("\n=== The proof\n");
      session.say(await askPlain(port("httpPort"), "/.well-known/acme-challenge/any-token"));
      session.say(await askSecure(port("httpsPort"), "/shared"));
    },
  });
}

/** An nginx that serves nothing yet, and the application. */
async function startServers(appPort: number): Promise<{ readonly stop: () => Promise<void> }> {
  // says what to install where there is none
  describeNginx();
  const server = join(folder, "nginx");
  // the last session's has ended, as its CA has
  rmSync(server, { recursive: true, force: true });
  const application = await startApplication(appPort);
  try {
    const nginx = await startNginx(server);
    return { stop: async () => void (await Promise.all([nginx.stop(), application.stop()])) };
  } catch (error) {
    await application.stop();
    throw error;
  }
}

async function askPlain(port: number, path: string): Promise<string> {
  const { status, body } = await ask({ port, path, host });
  return `http ${path}: ${status}, ${body}`;
}

/** Trusts the local CA's root alone. */
async function askSecure(port: number, path: string): Promise<string> {
  const ca = readFileSync(join(folder, "local-ca/root.pem"), "utf8");
  const { status, body, tls } = await ask({ port, path, host, ca });
  if (tls === undefined) throw new TypeError("https was asked for");
  const { serialNumber } = new X509Certificate(tls.certificate);
  return `https (${tls.protocol}, verified, certificate ${serialNumber.toLowerCase()}) ${path}: ${status}, ${body}`;
}
