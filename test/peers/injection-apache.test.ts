// No text of a user becomes more than its argument in Apache, whatever stands in it. FUZZ_RUNS=10000 for a long run.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { apache as kind } from "../../provider/src/gateway/apache";
import type { SiteData } from "../../provider/src/gateway/site";
import { readApacheLines } from "../support/apache-words";
import { freePorts } from "../support/caddy";
import { acceptedSites } from "../support/cells-sites";
import { ask } from "../support/gateway-client";
import { startGateway } from "../support/gateway-server";
import { apacheServer } from "../support/gateway-server-apache";
import { startUpstream } from "../support/gateway-upstream";
import { harmlessSites, hostileSites, hostileTexts } from "../support/hostile-sites";
import { leafExtensions, OpensslPki } from "../support/openssl-pki";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
/** Sites in one configuration. */
const batch = 500;
const actions = ["append", "addIfAbsent", "set", "replace"];
const modules = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"].find((path) => existsSync(path)) ?? "";

/** Signs that mean something to Apache: formats, expressions, variables, patterns, lines that go on. */
const apacheTexts = [
  ...[
    "expr=abc",
    "expr=%",
    `expr=a\\n $1 "b" 'c' %d`,
    "expr=-z",
    "%",
    "%%",
    "%t",
    "%D %l",
    "a%",
    "\\",
    "a\\",
    "\\n",
    "\\r\\n",
  ],
  ...['\\"', '"', "'", `" "`, `a" env=x`, "$", "$1", "$(x)", "%(x)e", "early", "env=!x", "#", "<If", "</VirtualHost>"],
];

/** The same sites with the paths of their files in a folder that is there. */
function rebased(sites: readonly SiteData[], folder: string): readonly SiteData[] {
  const at = (path: string): string => `${folder}/f${path.replace(/^\/p\//, "")}`;
  return sites.map((site) => {
    const { tls, upstream, clientAuth } = site;
    const own =
      tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate : undefined;
    return {
      ...site,
      ...(own !== undefined && { tls: { certificate: { certFile: at(own.certFile), keyFile: at(own.keyFile) } } }),
      ...(upstream?.rootCaFile !== undefined && { upstream: { ...upstream, rootCaFile: at(upstream.rootCaFile) } }),
      ...(clientAuth?.caFile !== undefined && { clientAuth: { caFile: at(clientAuth.caFile) } }),
    };
  });
}

/** How many directives of each name, with as many arguments, stand where. */
function shape(text: string): readonly string[] {
  return readApacheLines(text)
    .map(({ depth, words }) => `${depth} ${words.length} ${words[0]}`)
    .sort();
}

describeWithPeer("apache2", (apache) => {
  const pki = new OpensslPki();
  const folder = join(pki.folder, "odd");
  mkdirSync(folder);
  const pair = pki.issue("any", { extensions: leafExtensions("DNS:any.test") });
  const options = kind.parseOptions({ opensslVersion: "3.0", modulesDirectory: modules });
  afterAll(() => pki.remove());

  /** What Apache read, by its own word; throws with its complaint. */
  const read = (text: string): string => {
    writeFileSync(join(pki.folder, "odd.conf"), text);
    const main = [
      "ServerName localhost",
      "DefaultRuntimeDir .",
      "ErrorLog error.log",
      ...["mpm_event", "info"].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
      "Include odd.conf",
    ];
    writeFileSync(join(pki.folder, "main.conf"), main.join("\n"));
    const args = ["-t", "-D", "DUMP_CONFIG", "-d", pki.folder, "-f", "main.conf"];
    const { status, stdout, stderr } = spawnSync(apache.path, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(stderr);
    return stdout.slice(stdout.indexOf(`# In file: ${join(pki.folder, "odd.conf")}`));
  };

  it(`keeps the structure of ${runs} sites with hostile texts`, { timeout: 60_000 + runs * 60 }, () => {
    let served = 0;
    for (let start = 0; start < runs; start += batch) {
      const hostile = hostileSites(Math.min(batch, runs - start), actions);
      const [odd, plain] = [rebased(hostile, folder), rebased(harmlessSites(hostile), folder)];
      const kept = odd.flatMap((site, index) => (kind.checkSites([site], options).length === 0 ? [index] : []));
      const pick = (sites: readonly SiteData[]) => kept.flatMap((index) => sites[index] ?? []);
      served += kept.length;
      for (const { tls, upstream, clientAuth } of [...pick(odd), ...pick(plain)]) {
        const own =
          tls !== "disabled" && "certificate" in tls && "certFile" in tls.certificate ? tls.certificate : undefined;
        for (const path of [own?.certFile, own?.keyFile, upstream?.rootCaFile, clientAuth?.caFile]) {
          if (path === undefined) continue;
          expect(basename(path).length).toBeLessThan(256);
          writeFileSync(path, pair.keyPem + pair.pem);
        }
      }
      const [oddText, plainText] = [odd, plain].map((sites) => kind.render(pick(sites), options).configuration);
      const expected = shape(plainText ?? "");
      expect(shape(oddText ?? "")).toEqual(expected);
      expect(shape(read(oddText ?? ""))).toEqual(shape(read(plainText ?? "")));
    }
    // what the schema refuses proves nothing here
    expect(served).toBeGreaterThan(runs / 3);
  });

  it("carries every visible sign to the upstream and to the client", async () => {
    const everySign = ` !"#$%&'()*+,-./09:;<=>?@AZ[\\]^_\`az|~`.trim();
    const values = [...hostileTexts, ...apacheTexts, everySign].filter((text) => /^[ -z|~]+$/.test(text));
    const changes = values.map((value, index) => ({ name: `X-Odd-${index}`, value: value.trim() }));
    const upstream = await startUpstream({ label: "plain" });
    const [port = 0] = await freePorts(1);
    const sites = acceptedSites({
      name: "odd",
      binds: [`127.0.0.1:${port}`],
      tls: "disabled",
      upstream: { url: `http://127.0.0.1:${upstream.port}` },
      headers: changes.flatMap((change) => [
        { on: "request", action: "set", ...change },
        { on: "response", action: "addIfAbsent", ...change },
      ]),
    });
    const running = await startGateway(apacheServer(apache), pki.folder, sites, {}, () => "");
    try {
      const answer = await ask({ address: "127.0.0.1", port }, { host: "odd.test" });
      expect(answer.status).toBe(200);
      const { headers } = answer.echo();
      for (const { name, value } of changes) {
        expect(headers.filter(([found]) => found === name.toLowerCase())).toEqual([[name.toLowerCase(), value]]);
        expect(answer.all(name.toLowerCase())).toEqual([value]);
      }
    } finally {
      await running.stop();
      await upstream.stop();
    }
  });
});
