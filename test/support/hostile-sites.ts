// Sites whose every text tries to end its word, its line or its block in some language, and the same sites without.
import fc from "fast-check";
import type { SiteData } from "../../provider/src/gateway/site";
import { checkSiteListInput } from "../../provider/src/lifecycle/site-schema";

/** What means something to JSON, YAML, Go's templates, formatters of headers, expressions and shells. */
export const hostileTexts: readonly string[] = [
  ...['"', '", "x": "', "'", "\\", '\\"', "`", "`) || Host(`evil.test`", `\${x}`, "$(id)", "$1", "#", "# x", ": x"],
  ...["%", "%%", "%REQ(:path)%", "%DYNAMIC_METADATA(x)%", "%00", "%n", "&a", "*a", "!!js/function x", "- x", "? x"],
  ...["{{ env `HOME` }}", "{ x", "@file", "@internal", "| x", "> x", "---", "...", "~", "null", "true", "1e3", "0x1"],
  ...["a\nb: c", "a\r\nX-Evil: 1", "a\u0000b", "a\u2028b", "\u202e", "é", "\ud800", "<h>", "[x]", "=41=", ".*", "(?i)"],
];

const hostile = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.stringMatching(/^[ -~]{1,40}$/),
  fc.tuple(fc.constantFrom(...hostileTexts), fc.constantFrom(...hostileTexts)).map((pair) => pair.join("")),
);
const visible = hostile.map((text) => text.replace(/[^ -~]|[{}]/g, "").trim()).filter((text) => text !== "");
/** Mostly what is taken, so that most sites get through. */
const seldom = (usual: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: hostile });
const serverFile = hostile.map((text) => `/p/f${text.replace(/[^ -~é]|[{}"`$\\/]/g, "_")}`);
const headerName = seldom(fc.stringMatching(/^X-[A-Za-z0-9_.-]{1,20}$/));

const siteInput = (actions: readonly string[]) =>
  fc.record(
    {
      name: seldom(visible),
      label: seldom(fc.stringMatching(/^(\*\.)?[a-z]{1,8}$/)),
      upstream: fc.oneof(
        fc.record({ url: seldom(fc.constantFrom("http://127.0.0.1:1", "http://[::1]:1", "h2c://app.test:1")) }),
        fc.record({
          url: fc.constant("https://app.test:1"),
          serverName: seldom(fc.constant("in.test")),
          rootCaFile: serverFile,
          grpc: fc.boolean(),
        }),
      ),
      file: serverFile,
      headers: fc.uniqueArray(
        fc.record({
          on: fc.constantFrom("request", "response"),
          action: fc.constantFrom(...actions),
          name: headerName,
          value: visible,
        }),
        { selector: ({ on, name }) => `${on} ${name.toLowerCase()}`, maxLength: 6 },
      ),
      routing: fc.uniqueArray(
        fc.record({
          route: seldom(fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,8}){1,3}$/)),
          effect: fc.constantFrom("allow", "deny"),
        }),
        { selector: ({ route }) => route, maxLength: 4 },
      ),
      except: fc.array(seldom(fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "::1", "192.0.2.1")), { minLength: 1 }),
      clientFile: serverFile,
    },
    { requiredKeys: ["name", "label", "upstream", "file"] },
  );

/** That many tries at a site on one listener with TLS; what the schema refuses is left out. */
export function hostileSites(tries: number, actions: readonly string[]): readonly SiteData[] {
  return fc.sample(siteInput(actions), tries).flatMap((given, index) => {
    const { name, label, upstream, file, headers, routing, except, clientFile } = given;
    const result = checkSiteListInput([
      {
        name: `${index} ${name}`,
        binds: ["127.0.0.1:443"],
        hostnames: [`${label}.n${index}.test`],
        tls: { certificate: { certFile: file, keyFile: file } },
        upstream,
        ...(headers !== undefined && { headers }),
        ...(routing !== undefined && { routing }),
        ...(except !== undefined && { maintenance: { except } }),
        ...(clientFile !== undefined && { clientAuth: { caFile: clientFile } }),
      },
    ]);
    return "sites" in result ? result.sites : [];
  });
}

/** The same sites with harmless texts, different where they were different. */
export function harmlessSites(sites: readonly SiteData[]): readonly SiteData[] {
  return sites.map((site) => {
    const { tls, upstream, clientAuth, headers } = site;
    return {
      ...site,
      // sorted as the hostile ones are
      name: site.name.replace(/ .*$/, " x"),
      ...(tls !== "disabled" &&
        "certificate" in tls &&
        "certFile" in tls.certificate && { tls: files(tls.certificate) }),
      ...(upstream?.rootCaFile !== undefined && { upstream: { ...upstream, rootCaFile: plain(upstream.rootCaFile) } }),
      ...(clientAuth?.caFile !== undefined && { clientAuth: { caFile: plain(clientAuth.caFile) } }),
      ...(headers !== undefined && { headers: headers.map((change) => ({ ...change, value: "x" })) }),
    };
  });
}

function files({ certFile, keyFile }: { certFile: string; keyFile: string }) {
  return { certificate: { certFile: plain(certFile), keyFile: plain(keyFile) } };
}

function plain(path: string): string {
  return `/p/${Buffer.from(path).toString("hex")}`;
}

/** A value with every text blotted out and every key kept: what no text may change. */
export function shapeOf(value: unknown, isKept: (key: string) => boolean = () => true): unknown {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, isKept));
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.entries(value).map(([key, item]) => [isKept(key) ? key : "key", shapeOf(item, isKept)]);
}
