// The rival: acme-client, from which the provider takes its signatures, with its own way through an order.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as AcmeClient from "acme-client";
import type { BenchPebble } from "./acme-pebble.ts";
import { hostOf } from "./acme-program.ts";
import { programFolder } from "./bench-stack.ts";
import { timed } from "./measurement.ts";

/**
 * Milliseconds between its looks, doubled from the least to the most. By default 5 and 30 s, which no comparison is
 * worth; these are the first pauses of the provider. It does not heed Retry-After, which the provider does.
 */
export const backOff = { least: 200, most: 1000 } as const;

/** A dependency of the provider, not of the tests. */
const acme = createRequire(join(programFolder, "provider/package.json"))("acme-client") as typeof AcmeClient;

/**
 * Milliseconds for an account and certificates of one name each with a P-256 key, so many at once, in this process. The
 * answers to http-01 come from one server, and it does not look at them itself, as the provider does not either.
 */
export async function timeAuto(pebble: BenchPebble, size: number, parallel: number): Promise<number> {
  const answers = new Map<string, string>();
  const server = createServer(({ url = "" }, response) => {
    response.end(answers.get(url.split("/").at(-1) ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(pebble.httpPort, "127.0.0.1", resolve));
  try {
    return await timed(() => obtainAll(pebble, size, parallel, answers));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function obtainAll(
  { directoryUrl, caBundlePem }: BenchPebble,
  size: number,
  parallel: number,
  answers: Map<string, string>,
): Promise<void> {
  // it has no setting of its own for a private CA, only Axios' for the process
  acme.axios.defaults.httpsAgent = new (await import("node:https")).Agent({ ca: caBundlePem, keepAlive: true });
  const accountKey = await acme.crypto.createPrivateEcdsaKey();
  const options = { backoffMin: backOff.least, backoffMax: backOff.most };
  const client = new acme.Client({ directoryUrl, accountKey, ...options });
  await client.createAccount({ termsOfServiceAgreed: true });
  let next = 0;
  const work = async () => {
    while (next < size) {
      const key = await acme.crypto.createPrivateEcdsaKey();
      const [, csr] = await acme.crypto.createCsr({ altNames: [hostOf(next++, "auto")] }, key);
      await client.auto({
        csr,
        termsOfServiceAgreed: true,
        skipChallengeVerification: true,
        challengePriority: ["http-01"],
        challengeCreateFn: async (_, { token }, keyAuthorization) => void answers.set(token, keyAuthorization),
        challengeRemoveFn: async (_, { token }) => void answers.delete(token),
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, size) }, work));
}
