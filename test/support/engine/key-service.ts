// Guards the time of engine tests: where the secrets of their stacks come from. Pulumi's passphrase costs a million rounds of
// PBKDF2 in every command, a third of its time; a key that a Vault holds (the transit engine) costs one request on loopback.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What every stack is encrypted with, by AES-256-GCM in the CLI; it is no secret here, but its ciphers are as real as others. */
const dataKey = Buffer.alloc(32, "tls-gateway tests");

/** Under `secrets_providers` of a state. */
export const keyServiceState = { url: "hashivault://tests", encryptedkey: Buffer.from("vault:v1:").toString("base64") };

let started: Promise<Record<string, string>> | undefined;

/** Environment variables of a CLI that opens such stacks; the service lives as long as the test file. */
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
