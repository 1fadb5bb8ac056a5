// Tries of a kind with hostile sites: in batches, judged by the server's own parser, and by requests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { acceptedSites } from "../gateway/cells-sites";
import { ask } from "../gateway/client";
import { type GatewayServer, startGateway } from "../gateway/server";
import { startUpstream } from "../gateway/upstream";
import { freePorts } from "../ports";
import { fuzzRuns } from "../tier";
import { leafExtensions, OpensslPki } from "../x509/openssl-pki";
import { type HostileGround, harmlessSites, hostileSites } from "./sites";
import { hostileValues } from "./texts";

const runs = fuzzRuns(500, 10_000);
/** Sites in one configuration. */
const batch = 500;

/** A folder that is removed after the tests. */
export function trialFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-hostile-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Declares a test with 500 sites, 10,000 in the long tier. `judge` gets hostile sites that the kind takes, and the same with
 * harmless texts. A failure says the FUZZ_SEED by which the same sites come again.
 */
export function testHostileSites<Options>(
  ground: HostileGround<Options>,
  judge: (sites: readonly SiteData[], harmless: readonly SiteData[]) => void | Promise<void>,
): void {
  it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 180_000 + runs * 120 }, async () => {
    const seed = Number(process.env.FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31));
    let served = 0;
    for (let start = 0; start < runs; start += batch) {
      const sites = hostileSites(ground, Math.min(batch, runs - start), seed + start);
      served += sites.length;
      try {
        await judge(sites, harmlessSites(ground, sites));
      } catch (cause) {
        throw new Error(`FUZZ_SEED=${seed}, sites from ${start}: ${String(cause)}`, { cause });
      }
    }
    // what is refused proves nothing here
    expect(served).toBeGreaterThan(runs / 3);
  });
}

/** Writes a certificate with its key to every path that the sites name, so that a server's check finds them. */
export function placeFiles<Options>({ kind, options }: HostileGround<Options>, sites: readonly SiteData[]): void {
  for (const { tls, upstream, clientAuth } of sites) {
    const own =
      tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate : undefined;
    for (const path of [own?.certFile, own?.keyFile, upstream?.rootCaFile, clientAuth?.caFile]) place(path);
  }
  for (const { path } of kind.files(sites, options)) place(path);
}

let pem: string | undefined;

function place(path: string | undefined): void {
  if (path === undefined) return;
  pem ??= anyPair();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, pem);
}

function anyPair(): string {
  const pki = new OpensslPki();
  const pair = pki.issue("any", { extensions: leafExtensions("DNS:any.test") });
  pki.remove();
  // Caddy 2.6 looks at the first block alone
  return pair.pem + pair.keyPem;
}

/**
 * How much there is of everything, whatever its text and order: what no text may change.
 *
 * @param keyOf what counts for a key that stands at a path such as `.http.routers`; default the key itself
 */
export function shapeOf(value: unknown, keyOf = (key: string, _at: string): string => key): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (inner: unknown, at: string): void => {
    const entry = `${at} ${Array.isArray(inner) ? "list" : inner === null ? "null" : typeof inner}`;
    counts[entry] = (counts[entry] ?? 0) + 1;
    if (Array.isArray(inner)) for (const item of inner) count(item, `${at}[]`);
    else if (typeof inner === "object" && inner !== null) {
      for (const [key, item] of Object.entries(inner)) count(item, `${at}.${keyOf(key, at)}`);
    }
  };
  count(value, "");
  return counts;
}

/** Headers of one site: the schema takes 200 changes. */
const valuesOfSite = 40;

/** Declares a test: values with every visible sign arrive at the upstream and at the client octet for octet. */
export function testCarriedValues(server: GatewayServer): void {
  it("carries every visible sign to the upstream and to the client", { timeout: 180_000 }, async () => {
    const upstream = await startUpstream({ label: "plain" });
    const [port = 0] = await freePorts(1);
    const changes = hostileValues.map((value, index) => ({ name: `X-Odd-${index}`, value }));
    const parts = Array.from({ length: Math.ceil(changes.length / valuesOfSite) }, (_, index) =>
      changes.slice(index * valuesOfSite, (index + 1) * valuesOfSite),
    );
    const action = server.refusedActions?.includes("addIfAbsent") === true ? "set" : "addIfAbsent";
    const sites = acceptedSites(
      ...parts.map((part, index) => ({
        name: `odd ${index}`,
        binds: [`127.0.0.1:${port}`],
        hostnames: [`odd${index}.test`],
        tls: "disabled",
        upstream: { url: `http://127.0.0.1:${upstream.port}` },
        headers: part.flatMap((change) => [
          { on: "request", action: "set", ...change },
          { on: "response", action, ...change },
        ]),
      })),
    );
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-hostile-"));
    const running = await startGateway(server, folder, sites, {}, () => "");
    try {
      for (const [index, part] of parts.entries()) {
        const answer = await ask({ address: "127.0.0.1", port }, { host: `odd${index}.test` });
        expect(answer.status).toBe(200);
        const { headers } = answer.echo();
        for (const { name, value } of part) {
          const key = name.toLowerCase();
          expect(headers.filter(([found]) => found === key)).toEqual([[key, value]]);
          expect([key, answer.all(key)]).toEqual([key, [value]]);
        }
      }
    } finally {
      await running.stop();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}
