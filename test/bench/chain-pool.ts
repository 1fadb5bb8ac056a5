// A chain that is looked for among the certificates of a whole store.
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { type ChainCase, judgeByUs } from "./chain-judges.ts";
import { issueLeaf, makeCa, shuffle } from "./chain-pki.ts";
import { describeSpread, interleave, type Measurement, median, timed } from "./measurement.ts";

const RUNS = 15;

/** The first ones compile. */
const WARM_UP = 2;

/** "Speed and memory": milliseconds for a pool of 500. */
const POOL = 500;
const MOST = 300;

/** CAs with the name of the leaf's issuer and another key; of every second one only its signature tells. */
const NAMESAKES = 100;

/** Any number: the order is as good as another, and the same in every run. */
const SEED = 500;

/** @param runs samples of each. */
export async function measurePool(runs = RUNS): Promise<Measurement[]> {
  const pool = await makePool();
  const things = {
    found: () => timed(() => judgeByUs(pool, "no key")),
    keyed: () => timed(() => judgeByUs(pool, "key")),
    reading: () => timed(() => readByNode(pool.text)),
  };
  const { found, keyed, reading } = await interleave(runs, things, WARM_UP);
  const describe = (subject: string, times: readonly number[]): Measurement => ({
    subject: `a chain among ${POOL} certificates, ${subject}`,
    measured: { value: median(times), unit: "ms" },
    reference: { value: median(reading), unit: "ms", what: "Node's reading of each block alone" },
    target: { of: "measured", atMost: MOST },
    note: describeSpread(times),
  });
  return [describe("by their signatures", found), describe("by the private key", keyed)];
}

/** The chain of a server, the roots of Mozilla, CAs of the same name as its issuer, and other CAs below other roots. */
async function makePool(): Promise<ChainCase> {
  const root = await makeCa("Pool Root");
  const upper = await makeCa("Pool Upper CA", { issuer: root });
  const lower = await makeCa("Pool Lower CA", { issuer: upper });
  const hostnames = ["shop.example.com"];
  const { certPem: leafPem, privateKey } = issueLeaf(lower, hostnames);
  const roots = root.certificate.pem;
  // a Mozilla root has no newline at its end
  const pems = [leafPem, ...[root, upper, lower].map(({ certificate }) => certificate.pem)].concat(
    rootCertificates.map((pem) => `${pem.trim()}\n`),
  );
  let issuer = root;
  for (let count = 0; pems.length < POOL; count++) {
    const hasKeyId = count % 2 === 0;
    const made =
      count < NAMESAKES
        ? await makeCa("Pool Lower CA", { issuer: upper, hasKeyId })
        : await makeCa(`Pool Other CA ${count}`, hasKeyId ? {} : { issuer });
    if (count >= NAMESAKES && hasKeyId) issuer = made;
    pems.push(made.certificate.pem);
  }
  return { text: shuffle(pems.slice(0, POOL), SEED).join(""), leafPem, roots, hostnames, privateKey };
}

function readByNode(text: string): void {
  const certificates = text.split(/(?<=-----END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
  if (certificates.length !== POOL) throw new Error(`Node read ${certificates.length} certificates of ${POOL}`);
}
