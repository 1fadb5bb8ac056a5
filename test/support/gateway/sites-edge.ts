// Sites that stand beside others so closely that a proxy could mix them up, or whose values lie at the edge of a syntax.
import type { SiteGround } from "./sites";

/** Listeners of their own, beside those of gateway-sites.ts. */
export const edgeAddresses = { beside: "127.0.0.6" } as const;

/** Sites that a kind may refuse by its checks; they are then left out, and the refusal is what is tested. */
export const refusableSites: ReadonlySet<string> = new Set([
  "by-address",
  "beside-any",
  "by-wrong-address",
  "request-signs",
  "response-signs",
  "request-long",
  "response-long",
  "request-long-signs",
  "response-long-signs",
]);

/** Signs that mean something to some server. */
const signs = ["%", "$", '"', "'", "\\", "#", ";", "`", "<", "&", ">"] as const;

/** Headers of each sign: alone, at either end of a word and doubled inside. */
export const signValues: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...signs.flatMap((sign) => [sign, `${sign}a ${sign}${sign}b${sign}`]),
    // the beginnings of what servers put in place, and their own ways to write a sign
    String.raw`%[src] %%x %(y) $(z) $host $$ \\ \" \' "" '' \x41 \n %0a %ci`,
  ].map((value, index) => [`X-Sign-${index}`, value]),
);

const longest = 2048;

const longOf = (text: string): string =>
  text
    .repeat(longest)
    .slice(0, longest - 1)
    .padEnd(longest, "x");

/** A long value, and one of signs that take two octets or more in a configuration. */
export const longValues: Readonly<Record<string, string>> = { "X-Long": longOf("long ") };
export const longSignValues: Readonly<Record<string, string>> = { "X-Long-Signs": longOf(String.raw`"\%$'#`) };

/** Sites that stand on the ground beside those of gateway-sites.ts. */
export function edgeSites({ tlsPort, openPort, otherPort, upstreams }: SiteGround): readonly object[] {
  const local = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}`;
  const plain = local("http", upstreams.plain);
  const site = (name: string, more: object = {}) => ({
    name,
    binds: [`127.0.0.1:${tlsPort}`],
    hostnames: [`${name}.gw.test`],
    tls: { certificate: { name: "wild" } },
    upstream: { url: plain },
    ...more,
  });
  const hsts = { maxAgeSeconds: 63_072_000, includeSubDomains: true };
  const named = { rootCa: true, serverName: "app.internal" };
  const first = { url: local("https", upstreams.first) };
  const set = (on: string, values: Readonly<Record<string, string>>) => ({
    headers: Object.entries(values).map(([name, value]) => ({ on, action: "set", name, value })),
  });
  return [
    // the names of "mtls", on other ports
    site("mtls-open", { binds: [`127.0.0.1:${openPort}`], hostnames: ["mtls.gw.test"] }),
    site("mtls-other", {
      binds: [`127.0.0.1:${otherPort}`],
      hostnames: ["mtls.gw.test"],
      clientAuth: { ca: true },
    }),
    // one upstream, which is asked by those that must not reach it before the one that may
    site("first-right", { upstream: { ...first, ...named } }),
    site("first-wrong-root", { upstream: { ...first, ...named } }),
    site("first-wrong-name", { upstream: { ...first, rootCa: true, serverName: "other.internal" } }),
    site("by-address", { upstream: { url: local("https", upstreams.secure), rootCa: true } }),
    site("by-wrong-address", { upstream: { url: local("https", upstreams.elsewhere), rootCa: true } }),
    site("beside-named", { binds: [`${edgeAddresses.beside}:${tlsPort}`] }),
    {
      name: "beside-any",
      binds: [`${edgeAddresses.beside}:${tlsPort}`],
      tls: { selfSigned: { ca: "local", hostnames: ["any.test"] } },
      upstream: { url: local("http", upstreams.second) },
    },
    ...["request", "response"].flatMap((on) => [
      site(`${on}-signs`, set(on, signValues)),
      site(`${on}-long`, set(on, longValues)),
      site(`${on}-long-signs`, set(on, longSignValues)),
    ]),
    site("returning", {
      upstream: { url: local("http", upstreams.later) },
      timeouts: { connectSeconds: 1 },
      hsts,
    }),
    site("silent", { upstream: { url: local("http", upstreams.silent) }, timeouts: { connectSeconds: 1 }, hsts }),
  ];
}
