// Guards: rules that hold for every site. What fast-check makes of sites is valid input, in every way a program may write it.
import fc from "fast-check";
import type { SiteData } from "../../../provider/src/gateway/model/site";

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const dnsName = fc.tuple(label, label).map(([one, other]) => `${one}.${other}.test`);
const ip = fc.ipV4().filter((address) => !address.includes("0.0.0.0"));
const port = fc.integer({ min: 1, max: 65535 });
const bind = fc.tuple(fc.oneof(fc.constant("0.0.0.0"), dnsName, ip), port).map(([host, number]) => `${host}:${number}`);
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
  fc.constantFrom("a: b", "- x", "{}", "[1]", '"q"', "é"),
);
/** Visible ASCII without braces; the trimmed ends are what the schema asks for. */
const words = fc.stringMatching(/^[!-z|~]([ -z|~]{0,20}[!-z|~])?$/).filter((text) => text === text.trim());

const tls: fc.Arbitrary<SiteData["tls"]> = fc.oneof(
  fc.constant("disabled" as const),
  fc.record({ certificate: fc.record({ name, root: fc.constant(true as const) }, { requiredKeys: ["name"] }) }),
  fc.constant({ certificate: { certFile: "/etc/ssl/a.pem", keyFile: "/etc/ssl/a.key" } }),
  fc.record({ selfSigned: fc.record({ ca: name }, { requiredKeys: [] }) }),
);

const header = fc.oneof(
  fc.record({
    on: fc.constantFrom("request" as const, "response" as const),
    action: fc.constantFrom("append" as const, "addIfAbsent" as const, "set" as const, "replace" as const),
    name: fc.constantFrom("X-Frame-Options", "Server", "X-A"),
    value: words,
  }),
  fc.constant({ on: "response" as const, action: "remove" as const, name: "Server" }),
);

const routing = fc.uniqueArray(
  fc.record({
    route: fc.constantFrom("*", "public", "io", "ws", "frontend"),
    effect: fc.constantFrom("allow" as const, "deny" as const),
  }),
  { selector: (rule) => rule.route, minLength: 1 },
);

const maintenance = fc.record(
  {
    except: fc.array(fc.constantFrom("10.0.0.0/8", "192.168.1.1", "2001:db8::/32"), { minLength: 1 }),
    conditions: fc.array(fc.constantFrom("not path /public/*", "method GET", 'path "/a b"'), { minLength: 1 }),
  },
  { requiredKeys: [] },
);

/** One valid site as a program may give it: lists unsorted, properties in any order. */
export const siteArbitrary: fc.Arbitrary<SiteData> = fc
  .record(
    {
      name,
      binds: fc.uniqueArray(bind, { minLength: 1, maxLength: 4 }),
      tls,
      hostnames: fc.array(fc.oneof(dnsName, ip), { maxLength: 4 }),
      externalUrl: dnsName.map((host) => `https://${host}`),
      headers: fc.array(header, { maxLength: 3 }),
      routing,
      maintenance,
      grpcPort: port,
    },
    { requiredKeys: ["name", "binds", "tls"] },
  )
  .chain((site) =>
    site.tls === "disabled"
      ? fc.constant(site)
      : fc.boolean().map((redirect) => (redirect ? { ...site, redirectToHttps: true as const } : site)),
  );

const seconds = fc.integer({ min: 1, max: 86_400 });
const flag = fc.constant(true as const);

/** What a site asks of a proxy; TLS of the site is on. */
const proxied = fc.record(
  {
    upstream: fc.oneof(
      fc.record(
        { url: fc.constantFrom("http://10.0.0.5:8080", "h2c://[::1]:9000"), grpc: flag },
        { requiredKeys: ["url"] },
      ),
      fc.record(
        {
          url: fc.constant("https://cells.internal:8443"),
          kind: fc.constant("cells" as const),
          rootCa: flag,
          serverName: dnsName,
        },
        { requiredKeys: ["url"] },
      ),
      fc.constant({ url: "https://cells.internal:8443", rootCaFile: "/etc/ssl/root.pem" }),
    ),
    clientAuth: fc.constantFrom({ ca: true as const }, { caFile: "/etc/ssl/clients.pem" }),
    hsts: fc.record({ maxAgeSeconds: seconds, includeSubDomains: flag }, { requiredKeys: ["maxAgeSeconds"] }),
    tlsProfile: fc.constantFrom("modern" as const, "intermediate" as const),
    proxyProtocol: fc.constant({ trusted: ["10.0.0.0/8", "2001:db8::/32"] }),
    maxBodyBytes: fc.integer({ min: 1, max: 2 ** 40 }),
    timeouts: fc.record(
      { connectSeconds: seconds, responseSeconds: seconds, tunnelSeconds: seconds },
      { requiredKeys: ["tunnelSeconds"] },
    ),
    maintenance: fc.record({ retryAfterSeconds: seconds }),
    routing: fc.constant([
      { route: "/public", effect: "allow" as const },
      { route: "*", effect: "deny" as const },
    ]),
  },
  { requiredKeys: ["upstream"] },
);

/** One valid site as a program may give it to a proxy. */
export const proxySiteArbitrary: fc.Arbitrary<SiteData> = fc
  .tuple(siteArbitrary, proxied)
  .map(([{ maintenance: _, ...site }, properties]) => ({
    ...site,
    ...properties,
    tls: site.tls === "disabled" ? { selfSigned: { ca: "ca" } } : site.tls,
  }));

/** Sites of different names, of which some stand behind a proxy. */
export const mixedListArbitrary = fc.uniqueArray(fc.oneof(siteArbitrary, proxySiteArbitrary), {
  selector: (site) => site.name,
  maxLength: 6,
});

/** Sites of different names. */
export const siteListArbitrary = fc.uniqueArray(siteArbitrary, { selector: (site) => site.name, maxLength: 6 });

/** The same value with the properties of every object in reverse order. */
export function reversedKeys<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(reversedKeys) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversedKeys(part)]),
  ) as Value;
}
