// No text of a user becomes more than its word in nginx, whatever stands in it. FUZZ_RUNS=10000 for a long run.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { nginx as kind } from "../../provider/src/gateway/nginx";
import type { SiteData } from "../../provider/src/gateway/site";
import { checkSiteListInput } from "../../provider/src/lifecycle/site-schema";
import { acceptedSites } from "../support/cells-sites";
import { startNginx } from "../support/nginx";
import { readNginxLines } from "../support/nginx-words";
import { leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;

const payloads = [
  ...[
    '"; return 200 pwned; #',
    "'; return 200 pwned; #",
    "} server { listen 127.0.0.1:1; ",
    "\\",
    "a\\",
    '\\"',
    "\\\\",
    '"',
  ],
  ...[
    "$host",
    "a$",
    "$",
    `\${host}`,
    "$tls_gateway_dollar",
    "$1",
    "`id`",
    "$(id)",
    "%{host}",
    "#",
    ";",
    "a;b",
    "~.*",
    "= x",
  ],
  ...[
    "a\nb",
    "a\r\nX-Evil: 1",
    "a\u0000b",
    "a\u2028b",
    "\u202e",
    "é",
    "include /etc/passwd;",
    "default",
    "volatile",
    "''",
    "!",
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
const headerName = seldom(fc.stringMatching(/^X-[A-Za-z0-9-]{1,20}$/));
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
  route: seldom(fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,8}){1,3}$/)),
  effect: fc.constantFrom("allow", "deny"),
});
const except = seldom(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0")));
const serverFile = nasty
  .map((text) => text.replace(/[^ -~é]|[{}"`$/]/g, "_"))
  .filter((text) => !/^\.{0,2}$/.test(text) && !text.endsWith("\\"));

/** A site as a program gives it; `#` in a hostname becomes its number. */
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
      file: serverFile.map((file) => join(folder, file)),
      headers: fc.array(header, { maxLength: 6 }),
      routing: fc.uniqueArray(route, { selector: (rule) => rule.route, maxLength: 4 }),
      except: fc.array(except, { minLength: 1, maxLength: 3 }),
      clientFile: serverFile.map((file) => join(folder, file)),
    },
    { requiredKeys: ["name", "hostname", "isWildcard", "upstream", "file"] },
  );

type Generated = ReturnType<typeof siteInput> extends fc.Arbitrary<infer T> ? T : never;

function toInput(given: Generated, index: number): object {
  const { name, hostname, isWildcard, upstream, file, headers, routing, except: let_in, clientFile } = given;
  return {
    name: `${index} ${name}`,
    binds: ["127.0.0.1:65001"],
    hostnames: [`${isWildcard ? "*." : ""}${hostname}.n${index}.test`],
    tls: { certificate: { certFile: file, keyFile: file } },
    upstream,
    ...(headers !== undefined && { headers }),
    ...(routing !== undefined && { routing }),
    ...(let_in !== undefined && { maintenance: { except: let_in } }),
    ...(clientFile !== undefined && { clientAuth: { caFile: clientFile } }),
  };
}

const hex = (text: string): string => Buffer.from(text).toString("hex");

/** The same site with harmless texts, different where the texts were different. */
function harmless(site: SiteData): SiteData {
  const { upstream, clientAuth, tls } = site;
  const file = (path: string): string => `/${hex(path)}`;
  const certificate =
    tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate : undefined;
  return {
    ...site,
    name: hex(site.name),
    ...(certificate !== undefined && {
      tls: { certificate: { certFile: file(certificate.certFile), keyFile: file(certificate.keyFile) } },
    }),
    ...(upstream?.rootCaFile !== undefined && { upstream: { ...upstream, rootCaFile: file(upstream.rootCaFile) } }),
    ...(clientAuth?.caFile !== undefined && { clientAuth: { caFile: file(clientAuth.caFile) } }),
    ...(site.headers !== undefined && {
      headers: site.headers.map((change) => ({
        ...change,
        ...(change.value !== undefined && { value: `v${hex(change.value)}` }),
      })),
    }),
  };
}

/** How many directives of each shape stand where. */
function shape(text: string): readonly string[] {
  return readNginxLines(text)
    .map(({ depth, words }) => `${depth} ${words.length} ${/^[a-z_]+$/.test(words[0] ?? "") ? words[0] : "key"}`)
    .sort();
}

describeWithPeer("nginx", (nginx) => {
  const pki = new OpensslPki();
  const folder = join(pki.folder, "odd");
  mkdirSync(folder);
  const pair = pki.issue("any", { extensions: leafExtensions("DNS:any.test") });
  const options = kind.parseOptions({ version: "1.22", opensslVersion: "3.0" });
  afterAll(() => pki.remove());

  const judge = (text: string): string => {
    writeFileSync(join(pki.folder, "odd.conf"), text);
    const lines = [
      "pid /dev/null;",
      "error_log stderr;",
      "events {}",
      "http {",
      "access_log off;",
      "include odd.conf;",
      "}",
    ];
    writeFileSync(join(pki.folder, "main.conf"), lines.join("\n"));
    const { status, stderr } = spawnSync(nginx.path, ["-t", "-q", "-c", join(pki.folder, "main.conf")], {
      encoding: "utf8",
    });
    return status === 0 ? "" : stderr;
  };

  it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 60_000 + runs * 60 }, () => {
    let served = 0;
    for (let start = 0; start < runs; start += batch) {
      const sites = fc
        .sample(siteInput(folder), Math.min(batch, runs - start))
        .flatMap((given, index): readonly SiteData[] => {
          const result = checkSiteListInput([toInput(given, index)]);
          return "issues" in result || kind.checkSites(result.sites, options).length > 0 ? [] : result.sites;
        });
      served += sites.length;
      for (const { tls, upstream, clientAuth } of sites) {
        const own =
          tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate.certFile : "";
        for (const path of [own, upstream?.rootCaFile, clientAuth?.caFile]) {
          if (path !== undefined) writeFileSync(path, pair.keyPem + pair.pem);
        }
      }
      const { configuration } = kind.render(sites, options);
      expect(shape(configuration)).toEqual(shape(kind.render(sites.map(harmless), options).configuration));
      expect(judge(configuration)).toBe("");
    }
    // what the schema refuses proves nothing here
    expect(served).toBeGreaterThan(runs / 3);
  });

  it("carries every visible sign to the upstream and to the client", async () => {
    const values = [
      ...payloads.filter((text) => /^[ -z|~]+$/.test(text)),
      ` !"#$%&'()*+,-./09:;<=>?@AZ[\\]^_\`az|~`.trim(),
    ];
    const changes = values.map((value, index) => ({ name: `X-Odd-${index}`, value: value.trim() }));
    const seen: IncomingMessage[] = [];
    const upstream = createServer((request, response) => {
      seen.push(request);
      response.end("upstream");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => upstream.once("listening", resolve));
    const { port: upstreamPort } = upstream.address() as AddressInfo;
    const running = await startNginx(nginx, pki.folder, (port) => {
      const sites = acceptedSites({
        name: "odd",
        binds: [`127.0.0.1:${port}`],
        tls: "disabled",
        upstream: { url: `http://127.0.0.1:${upstreamPort}` },
        headers: changes.flatMap((change) => [
          { on: "request", action: "set", ...change },
          { on: "response", action: "addIfAbsent", ...change },
        ]),
      });
      expect(kind.checkSites(sites, options)).toEqual([]);
      return kind.render(sites, options).configuration;
    });
    try {
      const answer = await exchange(running.port, "GET / HTTP/1.1\r\nHost: odd.test\r\nConnection: close\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      for (const { name, value } of changes) {
        expect(seen[0]?.headers[name.toLowerCase()]).toBe(value);
        expect(answer).toContain(`\r\n${name}: ${value}\r\n`);
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
