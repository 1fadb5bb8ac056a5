// Sites whose every text tries to be more than a text, and the same sites with harmless ones.
import fc from "fast-check";
import { checkFeatures } from "../../../provider/src/gateway/model/features";
import type { GatewayKind } from "../../../provider/src/gateway/model/kind";
import { type HeaderChange, headerActions, type SiteData } from "../../../provider/src/gateway/model/site";
import { checkSiteListInput } from "../../../provider/src/lifecycle/site/schema";
import { fileNames, headerNames, hostile, seldomHostile, visible } from "./texts";

/** What a kind is tried with. What it says no to is left out, so that the rest is only for what most sites would have. */
export interface HostileGround<Options> {
  readonly kind: GatewayKind<Options>;
  readonly options: Options;
  /** Where files of the server lie; absent: sites name none. */
  readonly folder?: string;
  /** Addresses with TLS and without; default ports of 127.0.0.1. */
  readonly binds?: { readonly tls: string; readonly plain: string };
  /** Changes of headers; default all. */
  readonly actions?: readonly HeaderChange["action"][];
  /** Default allow and deny. */
  readonly effects?: readonly ("allow" | "deny")[];
  /** Hosts of upstreams; only these, where the server's own check asks for their addresses. */
  readonly hosts?: readonly string[];
  readonly asksForHosts?: boolean;
  /** Properties that the kind has no use for. */
  readonly without?: readonly ("maintenance" | "clientAuth" | "routing" | "serverName")[];
  /** What stands for a header's value in {@link harmlessSites}; equal for equal ones only. */
  readonly plainValue?: (value: string) => string;
}

const defaultBinds = { tls: "127.0.0.1:65001", plain: "127.0.0.1:65002" };
const defaultHosts = ["127.0.0.1", "[::1]", "localhost"];

function header(actions: readonly HeaderChange["action"][]) {
  const on = fc.constantFrom("request", "response");
  const valued = actions.filter((action) => action !== "remove");
  const value = fc.oneof({ weight: 30, arbitrary: visible }, { weight: 1, arbitrary: hostile });
  const change = fc.record({ on, action: fc.constantFrom(...valued), name: headerNames, value });
  const removal = fc.record({ on, action: fc.constant("remove"), name: headerNames });
  return actions.includes("remove") ? fc.oneof({ weight: 4, arbitrary: change }, removal) : change;
}

function siteInput<Options>(ground: HostileGround<Options>) {
  const { folder, actions = headerActions, effects = ["allow", "deny"], hosts = defaultHosts, without = [] } = ground;
  const file = fileNames.map((name) => `${folder}/${name}`);
  const host = fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...hosts) },
    { weight: 1, arbitrary: hostile.map((text) => `${text}.app.test`) },
  );
  const root = folder === undefined ? {} : { rootCaFile: file };
  const named = fc.record({ certificate: fc.record({ name: seldomHostile(visible) }) });
  const placed = file.map((path) => ({ certificate: { certFile: path, keyFile: path } }));
  const route = seldomHostile(
    fc.oneof(
      { weight: 9, arbitrary: fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,8}){1,3}$/) },
      { weight: 1, arbitrary: fc.constantFrom("*", "/-m", "/--", "/if", "/~x") },
    ),
  );
  const range = fc.constantFrom("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::1", "192.0.2.1");
  return fc.record(
    {
      name: seldomHostile(fc.oneof(visible, fc.stringMatching(/^[a-z0-9.-]{1,100}$/))),
      label: seldomHostile(fc.stringMatching(/^(\*\.)?[a-z]{1,8}$/)),
      tls: fc.oneof(
        { weight: 1, arbitrary: fc.constant("disabled") },
        { weight: 4, arbitrary: named },
        ...(folder === undefined ? [] : [{ weight: 8, arbitrary: placed }]),
      ),
      upstream: fc.oneof(
        fc.tuple(fc.constantFrom("http", "http", "h2c"), host).map(([scheme, at]) => ({ url: `${scheme}://${at}:1` })),
        fc.record({
          url: host.map((at) => `https://${at}:1`),
          ...(!without.includes("serverName") && { serverName: seldomHostile(fc.constantFrom("in.test", "a.b.test")) }),
          ...root,
          grpc: fc.boolean(),
        }),
      ),
      headers: fc.array(header(actions), { maxLength: 6 }),
      routing: fc.uniqueArray(fc.record({ route, effect: fc.constantFrom(...effects) }), {
        selector: (rule) => rule.route,
        maxLength: 4,
      }),
      except: fc.array(seldomHostile(fc.oneof(fc.ipV4(), fc.ipV6(), range)), { minLength: 1, maxLength: 3 }),
      clientFile: file,
    },
    { requiredKeys: ["name", "label", "tls", "upstream"] },
  );
}

/** As many tries at a site; what the schema or the kind refuses is left out. */
export function hostileSites<Options>(
  ground: HostileGround<Options>,
  numRuns: number,
  seed: number,
): readonly SiteData[] {
  const { kind, options, folder, binds = defaultBinds, without = [], hosts = defaultHosts } = ground;
  const known = fc.sample(siteInput(ground), { numRuns, seed }).flatMap((given, index) => {
    const { name, label, tls, upstream, headers, routing, except, clientFile } = given;
    const isPlain = tls === "disabled";
    const hasClients = clientFile !== undefined && folder !== undefined && !isPlain && !without.includes("clientAuth");
    const result = checkSiteListInput([
      {
        name: `${index} ${name}`.slice(0, 128).trim(),
        binds: [isPlain ? binds.plain : binds.tls],
        hostnames: [`${label}.n${index}.test`],
        tls,
        upstream,
        ...(headers !== undefined && { headers }),
        ...(routing !== undefined && !without.includes("routing") && { routing }),
        ...(except !== undefined && !without.includes("maintenance") && { maintenance: { except } }),
        ...(hasClients && { clientAuth: { caFile: clientFile } }),
      },
    ]);
    if ("issues" in result || checkFeatures(kind.kind, result.sites, { [kind.kind]: kind }).length > 0) return [];
    if (ground.asksForHosts === true && !hosts.some((host) => upstream.url.includes(`//${host}:`))) return [];
    return kind.checkSites(result.sites, options).length > 0 ? [] : result.sites;
  });
  return withoutProblems(ground, known);
}

/** Without what these sites can't have together. */
function withoutProblems<Options>(
  { kind, options }: HostileGround<Options>,
  given: readonly SiteData[],
): readonly SiteData[] {
  let sites = given;
  for (;;) {
    const refused = new Set(kind.checkSites(sites, options).map(({ site }) => site));
    if (refused.size === 0) return sites;
    sites = sites.filter(({ name }) => !refused.has(name));
  }
}

/** The same sites with harmless texts, equal where they were equal. */
export function harmlessSites<Options>(
  { plainValue = (value) => `v${hex(value)}` }: HostileGround<Options>,
  sites: readonly SiteData[],
): readonly SiteData[] {
  const names = new Map<string, string>();
  return sites.map((site) => {
    const { tls, upstream, clientAuth, headers, routing } = site;
    for (const text of keptTexts(site)) {
      if (!/^[a-z0-9._:/*[\]-]+$/.test(text)) throw new Error(`the schema lets ${JSON.stringify(text)} through`);
    }
    return {
      ...site,
      name: `s${hex(site.name)}`,
      ...(tls !== "disabled" && "certificate" in tls && { tls: { certificate: plainCertificate(tls.certificate) } }),
      ...(upstream?.rootCaFile !== undefined && {
        upstream: { ...upstream, rootCaFile: plainFile(upstream.rootCaFile) },
      }),
      ...(clientAuth?.caFile !== undefined && { clientAuth: { caFile: plainFile(clientAuth.caFile) } }),
      ...(headers !== undefined && {
        headers: headers.map((change) => ({
          ...change,
          name: plainHeader(change.name, names),
          ...(change.value !== undefined && { value: plainValue(change.value) }),
        })),
      }),
      ...(routing !== undefined && { routing: routing.map((rule) => ({ ...rule, route: plainRoute(rule.route) })) }),
    };
  });
}

/** What is in canonical form and stays as it is: hosts and addresses, in which nothing means anything. */
function keptTexts({ hostnames = [], upstream, maintenance }: SiteData): readonly string[] {
  return [
    ...hostnames,
    ...(maintenance?.except ?? []),
    ...[upstream?.url, upstream?.serverName].filter((text) => text !== undefined),
  ];
}

type Certificate = Extract<Exclude<SiteData["tls"], "disabled">, { certificate: unknown }>["certificate"];

function plainCertificate(certificate: Certificate): Certificate {
  if ("name" in certificate) return { name: `c${hex(certificate.name)}` };
  return { certFile: plainFile(certificate.certFile), keyFile: plainFile(certificate.keyFile) };
}

/** Servers have ways of their own for what they set themselves, and for names that are no variable's. */
function plainHeader(name: string, names: Map<string, string>): string {
  const key = name.toLowerCase();
  if (/^(host|x-forwarded-\w+|server|set-cookie)$/.test(key)) return name;
  const plain = names.get(key) ?? `X-${names.size}${/[_.]/.test(key) ? "_" : ""}`;
  names.set(key, plain);
  return plain;
}

/** What lay below another lies below it still. */
function plainRoute(route: string): string {
  return route.startsWith("/") ? route.replace(/[^/]+/g, (step) => hex(step)) : route;
}

function plainFile(path: string): string {
  const cut = path.lastIndexOf("/f") + 1;
  return `${path.slice(0, cut)}h${hex(path.slice(cut))}`;
}

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
