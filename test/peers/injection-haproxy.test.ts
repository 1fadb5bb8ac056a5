// No text of a user becomes more than its word in HAProxy, whatever stands in it. FUZZ_RUNS=10000 for a long run.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { haproxy as kind } from "../../provider/src/gateway/haproxy";
import type { SiteData } from "../../provider/src/gateway/site";
import { checkSiteListInput } from "../../provider/src/lifecycle/site-schema";
import { freePorts } from "../support/caddy";
import { acceptedSites } from "../support/cells-sites";
import { startGateway } from "../support/gateway-server";
import { haproxyServer } from "../support/gateway-server-haproxy";
import { readHaproxyLines } from "../support/haproxy-words";
import { leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;

const payloads = [
  ...["' if TRUE", "'", "''", "\\'", "'\\''", '"', '\\"', "\\", "a\\", "\\\\", "\\x27", "\\n  server evil 127.0.0.1:1"],
  ...["if", "unless", "if { always_true }", "if TRUE", "or", "||", "{ path / }", "!", "-m", "-f /etc/passwd", "--"],
  ...[
    "%[src]",
    "%%[src]",
    "%",
    "%%",
    "%ci",
    "%{+Q}o",
    "%[str(x)",
    "%]",
    "%[env(HOME)]",
    "a  b",
    "a   %[src]  '",
    "%00",
  ],
  ...["$HOME", "$", `\${HOME}`, "`id`", "$(id)", "#", " #", ";", ",", "(", ")", "]", "[", "*", "~", "=", "<<", "\t"],
  ...["a\nb", "a\r\nX-Evil: 1", "a\nbackend evil\n", "a\u0000b", "a\u2028b", "\u202e", "é", "global", "default-server"],
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
const headerName = seldom(
  fc.oneof(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,20}$/), fc.constantFrom("if", "unless", "or", "set-header")),
);
const header = fc.oneof(
  fc.record({
    on: fc.constantFrom("request", "response"),
    action: fc.constantFrom("append", "addIfAbsent", "set", "replace"),
    name: headerName,
    value: fc.oneof({ weight: 20, arbitrary: visible }, { weight: 1, arbitrary: nasty }),
  }),
  fc.record({ on: fc.constantFrom("request", "response"), action: fc.constant("remove"), name: headerName }),
);
const route = fc.record({
  route: seldom(fc.oneof(fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,8}){1,3}$/), fc.constantFrom("*", "/-m", "/--"))),
  effect: fc.constantFrom("allow", "deny"),
});
const except = seldom(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0")));
/** Names of files; in HAProxy's lists neither spaces nor brackets can stand. */
const serverFile = nasty
  .map((text) => text.replace(/[^ -~é]|[{}"`$/]/g, "_"))
  .filter((text) => !/^\.{0,2}$/.test(text) && !text.endsWith("\\"));
const listedFile = serverFile.map((text) => text.replace(/[\s[\]]/g, "_"));

/** A site as a program gives it. */
const siteInput = (folder: string) =>
  fc.record(
    {
      name: seldom(visible),
      hostname: seldom(fc.stringMatching(/^[a-z]{1,8}$/)),
      isWildcard: fc.boolean(),
      upstream: fc.oneof(
        fc.record({ url: seldom(fc.constantFrom("http://127.0.0.1:1", "http://[::1]:1", "h2c://localhost:1")) }),
        fc.record({
          url: fc.constant("https://127.0.0.1:1"),
          serverName: seldom(fc.constant("app.test")),
          rootCaFile: serverFile.map((file) => join(folder, file)),
          grpc: fc.boolean(),
        }),
      ),
      file: fc.oneof({ weight: 20, arbitrary: listedFile }, { weight: 1, arbitrary: serverFile }),
      headers: fc.array(header, { maxLength: 6 }),
      routing: fc.uniqueArray(route, { selector: (rule) => rule.route, maxLength: 4 }),
      except: fc.array(except, { minLength: 1, maxLength: 3 }),
      clientFile: listedFile,
    },
    { requiredKeys: ["name", "hostname", "isWildcard", "upstream", "file"] },
  );

type Generated = ReturnType<typeof siteInput> extends fc.Arbitrary<infer T> ? T : never;

function toInput(given: Generated, index: number, folder: string): object {
  const { name, hostname, isWildcard, upstream, headers, routing, except: entering, clientFile } = given;
  const file = join(folder, given.file);
  return {
    name: `${index} ${name}`,
    binds: ["127.0.0.1:65001"],
    hostnames: [`${isWildcard ? "*." : ""}${hostname}.n${index}.test`],
    tls: { certificate: { certFile: file, keyFile: file } },
    upstream,
    ...(headers !== undefined && { headers }),
    ...(routing !== undefined && { routing }),
    ...(entering !== undefined && { maintenance: { except: entering } }),
    ...(clientFile !== undefined && { clientAuth: { caFile: join(folder, clientFile) } }),
  };
}

const hex = (text: string): string => Buffer.from(text).toString("hex");
const plainFile = (path: string): string => `/${hex(path)}`;

/** The same site with harmless texts, different where the texts were different. */
function harmless(site: SiteData): SiteData {
  const { upstream, clientAuth } = site;
  const own = certFile(site);
  return {
    ...site,
    name: hex(site.name),
    ...(own !== undefined && { tls: { certificate: { certFile: plainFile(own), keyFile: plainFile(own) } } }),
    ...(upstream?.rootCaFile !== undefined && {
      upstream: { ...upstream, rootCaFile: plainFile(upstream.rootCaFile) },
    }),
    ...(clientAuth?.caFile !== undefined && { clientAuth: { caFile: plainFile(clientAuth.caFile) } }),
    ...(site.headers !== undefined && {
      headers: site.headers.map((change) => ({
        ...change,
        name: "X-Name",
        ...(change.value !== undefined && { value: `v${hex(change.value)}` }),
      })),
    }),
  };
}

function certFile({ tls }: SiteData): string | undefined {
  return tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate
    ? tls.certificate.certFile
    : undefined;
}

/** How many directives of each shape stand in how many sections. */
function shape(text: string): readonly string[] {
  return readHaproxyLines(text)
    .map(
      ({ section, words }) =>
        `${section.split(" ")[0]} ${words.length} ${words[0]} ${words[0] === "backend" ? "" : words[1]}`,
    )
    .sort();
}

/** How many words stand on the lines of the maps and lists. */
function shapeOfTexts(texts: Readonly<Record<string, string>> = {}): readonly (readonly number[])[] {
  return Object.values(texts).map((text) =>
    text
      .split("\n")
      .map((line) => line.split(" ").length)
      .sort(),
  );
}

describeWithPeer("haproxy", (haproxy) => {
  const pki = new OpensslPki();
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-odd-"));
  const odd = join(folder, "odd");
  mkdirSync(odd);
  const pair = pki.issue("any", { extensions: leafExtensions("DNS:any.test") });
  const server = haproxyServer(haproxy);
  const options = kind.parseOptions({ ...server.options, directory: join(folder, "tls-gateway") });
  afterAll(() => {
    pki.remove();
    rmSync(folder, { recursive: true });
  });

  /** What HAProxy's own check says; a warning counts. */
  const judge = (sites: readonly SiteData[]): string => {
    const { configuration, texts = {} } = kind.render(sites, options);
    const path = `${options.directory}/current/haproxy.cfg`;
    for (const [file, text] of [[path, configuration], ...Object.entries(texts)] as const) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const { status, stderr } = spawnSync(haproxy.path, ["-c", "-f", path], { encoding: "utf8" });
    return status === 0 ? stderr : `${status} ${stderr}`;
  };

  it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 60_000 + runs * 60 }, () => {
    let served = 0;
    for (let start = 0; start < runs; start += batch) {
      const sites = fc
        .sample(siteInput(odd), Math.min(batch, runs - start))
        .flatMap((given, index): readonly SiteData[] => {
          const result = checkSiteListInput([toInput(given, index, odd)]);
          return "issues" in result || kind.checkSites(result.sites, options).length > 0 ? [] : result.sites;
        });
      served += sites.length;
      for (const site of sites) {
        for (const path of [certFile(site), site.upstream?.rootCaFile, site.clientAuth?.caFile]) {
          if (path !== undefined) writeFileSync(path, pair.keyPem + pair.pem);
        }
      }
      const [hostile, plain] = [kind.render(sites, options), kind.render(sites.map(harmless), options)];
      expect(shape(hostile.configuration)).toEqual(shape(plain.configuration));
      expect(shapeOfTexts(hostile.texts)).toEqual(shapeOfTexts(plain.texts));
      expect(hostile.configuration.match(/^backend /gm)?.length).toBe(sites.length);
      expect(judge(sites)).toBe("");
    }
    // what the schema refuses proves nothing here
    expect(served).toBeGreaterThan(runs / 3);
  });

  it("carries every visible sign to the upstream and to the client", async () => {
    const values = [
      ...payloads.filter((text) => /^[ -z|~]+$/.test(text)),
      ` !"#$%&'()*+,-./09:;<=>?@AZ[\\]^_\`az|~`,
    ].map((value) => value.trim());
    const changes = values.map((value, index) => ({ name: `X-Odd-${index}`, value }));
    const seen: IncomingMessage[] = [];
    const upstream = createServer((request, response) => {
      seen.push(request);
      response.end("upstream");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => upstream.once("listening", resolve));
    const [port = 0] = await freePorts(1);
    const sites = acceptedSites({
      name: "odd",
      binds: [`127.0.0.1:${port}`],
      tls: "disabled",
      upstream: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
      headers: changes.flatMap((change) => [
        { on: "request", action: "set", ...change },
        { on: "response", action: "addIfAbsent", ...change },
      ]),
    });
    const running = await startGateway(server, mkdtempSync(join(folder, "octets-")), sites, {}, () => "");
    try {
      const answer = await exchange(port, "GET / HTTP/1.1\r\nHost: odd.test\r\nConnection: close\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      for (const { name, value } of changes) {
        expect(seen[0]?.headers[name.toLowerCase()]).toBe(value);
        expect(answer).toContain(`\r\n${name.toLowerCase()}: ${value}\r\n`);
      }
    } finally {
      await running.stop();
      upstream.close();
    }
  });
});

/** All that comes back on one connection. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(request);
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("latin1");
}
