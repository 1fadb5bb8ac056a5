// Guards the time of engine tests. With a passphrase, every Pulumi command runs a million rounds of
// PBKDF2, a third of its CPU time. With a key in Vault's transit engine, it sends one loopback request.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The data key of every stack. The CLI encrypts with it by AES-256-GCM. */
const dataKey = Buffer.alloc(32, "tls-gateway tests");

/** Under `secrets_providers` of a state. */
export const keyServiceState = { url: "hashivault://tests", encryptedkey: Buffer.from("vault:v1:").toString("base64") };

let started: Promise<Record<string, string>> | undefined;

/** Environment variables for the CLI. The service runs until the test file ends. */
export function keyServiceEnv(): Promise<Record<string, string>> {
  started ??= start();
  return started;
}

async function start(): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data: { plaintext: dataKey.toString("base64") } }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const { port } = server.address() as AddressInfo;
  return { VAULT_SERVER_URL: `http://127.0.0.1:${port}`, VAULT_SERVER_TOKEN: "tests" };
}
