// No text of a user becomes more than itself in Caddy, whatever stands in it: its JSON loads, and has the shape of the same
// sites with harmless texts; so has its Caddyfile. FUZZ_RUNS=10000 for a long run.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { caddy as kind } from "../../provider/src/gateway/caddy";
import { renderCaddyfile } from "../../provider/src/gateway/caddyfile";
import { isQuotable } from "../../provider/src/gateway/caddyfile-dialect";
import { checkFeatures } from "../../provider/src/gateway/features";
import type { SiteData } from "../../provider/src/gateway/site";
import { checkSiteListInput } from "../../provider/src/lifecycle/site-schema";
import { freePorts } from "../support/caddy";
import { acceptedSites } from "../support/cells-sites";
import { ask } from "../support/gateway-client";
import { startGateway } from "../support/gateway-server";
import { caddyServer, distributionCaddy } from "../support/gateway-server-caddy";
import { startUpstream } from "../support/gateway-upstream";
import { leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer, type Peer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;

const payloads = [
  ...[
    '"',
    "`",
    "\\",
    "a\\",
    '\\"',
    "\\`",
    '"`\\',
    "\\\\",
    '" {',
    "}",
    "{",
    "{}",
    "{$HOME}",
    "{env.HOME}",
    "{http.request.host}",
  ],
  ...[
    '"\nrespond pwned',
    "`\n}\nimport /etc/passwd\n",
    "\r\nX-Evil: 1",
    "a\u0000b",
    "a\u2028b",
    "\u202e",
    "é",
    "<<END",
    "# x",
  ],
  ...[
    "import x",
    "(snippet)",
    "&(x)",
    "@maintenance",
    "*",
    "-Server",
    "+X",
    "?X",
    ">X",
    "$1",
    "%{host}",
    ";",
    "'",
    "!x",
    "^.*$",
  ],
];
const nasty = fc.oneof(
  fc.constantFrom(...payloads),
  fc.stringMatching(/^[ -~]{1,40}$/),
  fc.tuple(fc.constantFrom(...payloads), fc.constantFrom(...payloads)).map((pair) => pair.join("")),
);
/** Mostly what is taken, so that most sites get through. */
const seldom = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<T | string> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: nasty });
const visible = nasty.map((text) => text.replace(/[^ -~]|[{}]/g, "").trim()).filter((text) => text !== "");
const file = nasty.map((text) => text.replace(/[^ -~é]|[{}"`$/\\]/g, "_"));
const change = fc.record({
  on: fc.constantFrom("request", "response"),
  action: fc.constantFrom("append", "addIfAbsent", "set", "replace", "remove"),
  name: seldom(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/)),
  value: fc.oneof({ weight: 20, arbitrary: visible }, { weight: 1, arbitrary: nasty }),
});
const route = fc.record({
  route: seldom(fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,8}){1,3}$/)),
  effect: fc.constantFrom("allow", "deny"),
});
const hostileSite = fc.record({
  name: fc.oneof(visible, nasty),
  hostname: seldom(fc.stringMatching(/^[a-z]{1,8}$/)),
  upstream: seldom(fc.stringMatching(/^[a-z]{1,8}\.test$/)),
  serverName: seldom(fc.constant("app.test")),
  files: fc.tuple(file, file, file),
  headers: fc.uniqueArray(change, { selector: ({ name }) => name.toLowerCase(), maxLength: 5 }),
  routing: fc.uniqueArray(route, { selector: (rule) => rule.route, maxLength: 3 }),
  except: fc.array(seldom(fc.constantFrom("10.0.0.0/8", "192.0.2.1", "2001:db8::/32")), { maxLength: 3 }),
});
type Hostile = typeof hostileSite extends fc.Arbitrary<infer T> ? T : never;

/** The site as a program gives it. Numbers make texts differ that must differ. */
function siteInput(folder: string, number: number, given: Hostile): object {
  const [certFile, rootCaFile, caFile] = given.files.map((name, index) => join(folder, `${number}-${index}${name}`));
  return {
    name: `${given.name}${number}`,
    binds: [`127.0.0.1:${10_000 + number}`],
    hostnames: [`s${number}.${given.hostname}.test`],
    tls: { certificate: { certFile, keyFile: join(folder, "key.pem") } },
    upstream: { url: `https://${given.upstream}:8443`, rootCaFile, serverName: given.serverName },
    clientAuth: { caFile },
    maintenance: { except: given.except },
    routing: given.routing,
    headers: given.headers.map(({ value, ...rest }) => (rest.action === "remove" ? rest : { ...rest, value })),
  };
}

/** The same with harmless texts in place of hostile ones. */
function harmlessTwin(folder: string, site: SiteData, number: number): SiteData {
  const plain = (name: string) => join(folder, `harmless-${number}-${name}`);
  return {
    ...site,
    name: `harmless ${number}`,
    hostnames: [`harmless${number}.test`],
    tls: { certificate: { certFile: plain("cert"), keyFile: join(folder, "key.pem") } },
    upstream: { url: "https://harmless.test:8443", rootCaFile: plain("root"), serverName: "app.test" },
    clientAuth: { caFile: plain("clients") },
    headers: (site.headers ?? []).map((header, index) => ({
      ...header,
      // what Caddy sets itself is changed in another place
      name: /^(host|x-forwarded-(for|host|proto))$/i.test(header.name) ? header.name : `X-Harmless-${index}`,
      ...(header.value !== undefined && { value: isQuotable(header.value) ? "harmless" : "`\\" }),
    })),
    routing: (site.routing ?? []).map((rule, index) =>
      rule.route === "*" ? rule : { ...rule, route: `/harmless${index}` },
    ),
  };
}

/** How many values of each kind there are, at each depth; names of headers don't show. */
function shapeOf(value: unknown, depth = 0, counts: Record<string, number> = {}): Record<string, number> {
  const type = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  const key = `${depth} ${type}`;
  counts[key] = (counts[key] ?? 0) + 1;
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) shapeOf(inner, depth + 1, counts);
  }
  return counts;
}

/** All texts of a configuration, names of properties too. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(textsOf)];
}

const ownPlaceholders = /\{http\.(?:request\.(?:host|hostport|uri|orig_uri|orig_uri\.path))\}/g;

function injections(caddy: Peer): void {
  const pki = new OpensslPki();
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-injection-"));
  const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const options = kind.parseOptions({ ...caddyServer(caddy).options, directory: join(folder, "tls-gateway") });
  let certificate = "";

  beforeAll(() => {
    const leaf = pki.issue("leaf", { extensions: leafExtensions("DNS:*.test") });
    certificate = leaf.pem;
    writeFileSync(join(folder, "key.pem"), leaf.keyPem);
  });
  afterAll(() => {
    pki.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const layFiles = (sites: readonly SiteData[]): void => {
    for (const { tls, upstream, clientAuth } of sites) {
      const own =
        tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate && tls.certificate.certFile;
      for (const path of [own, upstream?.rootCaFile, clientAuth?.caFile]) {
        if (typeof path !== "string") continue;
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, certificate);
      }
    }
  };
  const run = (args: readonly string[]): string =>
    execFileSync(caddy.path, args, { env, encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 28 });
  const adapted = (sites: readonly SiteData[]): unknown => {
    const path = join(folder, "Caddyfile");
    writeFileSync(path, renderCaddyfile(sites, options));
    run(["validate", "--adapter", "caddyfile", "--config", path]);
    return JSON.parse(run(["adapt", "--adapter", "caddyfile", "--config", path]));
  };

  it(`${runs} sites of hostile texts are loaded, and have the shape of harmless ones`, () => {
    let taken = 0;
    for (let first = 0; first < runs; first += batch) {
      const inputs = fc.sample(hostileSite, Math.min(batch, runs - first));
      const sites = inputs.flatMap((given, index) => {
        const result = checkSiteListInput([siteInput(folder, index, given)]);
        if ("issues" in result) return [];
        const features = checkFeatures("caddy", result.sites, { caddy: kind });
        return features.length + kind.checkSites(result.sites, options).length === 0 ? result.sites : [];
      });
      taken += sites.length;
      const twins = sites.map((site, index) => harmlessTwin(folder, site, index));
      layFiles([...sites, ...twins]);
      const text = kind.render(sites, options).configuration;
      const parsed: unknown = JSON.parse(text);
      expect(shapeOf(parsed)).toEqual(shapeOf(JSON.parse(kind.render(twins, options).configuration)));
      for (const found of textsOf(parsed)) {
        if (found.startsWith("^") || found.startsWith("(?i)")) continue;
        expect(found.replace(ownPlaceholders, "").replace(/\\[{}]/g, "")).not.toMatch(/[{}]/);
      }
      writeFileSync(join(folder, "caddy.json"), text);
      run(["validate", "--config", join(folder, "caddy.json")]);
      expect(shapeOf(adapted(sites))).toEqual(shapeOf(adapted(twins)));
    }
    expect(taken).toBeGreaterThan(runs / 2);
  }, 480_000);

  it("nasty values arrive octet for octet", async () => {
    const values = ['"a" \\" \\', "`b` '", "$host %[x] $1 %d", "#c ; \\n <<END", "\\\\", "a\\", '`"\\'];
    const upstream = await startUpstream({ label: "app" });
    const [port = 0] = await freePorts(1);
    const changes = values.flatMap((value, index) =>
      ["request", "response"].map((on) => ({ on, action: "set", name: `X-N-${index}`, value })),
    );
    const site = { name: "n", binds: [`127.0.0.1:${port}`], hostnames: ["n.test"], tls: "disabled", headers: changes };
    const sites = acceptedSites({ ...site, upstream: { url: `http://127.0.0.1:${upstream.port}` } });
    const place = mkdtempSync(join(tmpdir(), "tls-gateway-injection-"));
    const gateway = await startGateway(caddyServer(caddy), place, sites, {}, () => "");
    try {
      const answer = await ask({ port }, { host: "n.test" });
      for (const [index, value] of values.entries()) {
        expect(answer.all(`x-n-${index}`)).toEqual([value]);
        expect(answer.echo().headers).toContainEqual([`x-n-${index}`, value]);
      }
    } finally {
      await gateway.stop();
      await upstream.stop();
      rmSync(place, { recursive: true, force: true });
    }
  });
}

describeWithPeer("caddy", injections);

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => injections(older));
