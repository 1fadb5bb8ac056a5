import { type HeaderChange, isTlsSite, renderHsts, type SiteData } from "../../model/site";
import { effectiveUpstream } from "../../model/upstream";
import type { ListenerRedirect, ListenerSite } from "../../proxy/listeners";
import { type Backend, backendOf } from "../backends";
import { objectName, partName, sectionName } from "../names";
import { GATEWAY_GROUP, inChunks, type KubernetesObject, metadata } from "../objects";
import { hasGatewayApi, type KubernetesOptions } from "../options";
import { servedPaths } from "../paths";
import type { ParentReference } from "./listeners";

/** What the types allow in one HTTPRoute: hostnames, references to listeners, and matches of one rule. */
const MOST_HOSTNAMES = 16;
const MOST_PARENTS = 32;
/** A path takes one match, and two more for gRPC; the rules of a route have 128 together, one rule 64. */
const MOST_PATHS = 30;

/** Content types of gRPC; the headers of a route are matched as a whole where every implementation can. */
const grpcTypes = ["application/grpc", "application/grpc+proto"];

/** The HTTPRoutes of one site: one, or more where one has no room for all names, ports or paths. */
export function siteRoutes(
  { site, names }: ListenerSite,
  ports: readonly number[],
  parents: ReadonlyMap<string, ParentReference>,
  options: KubernetesOptions,
): readonly KubernetesObject[] {
  const backend = backendOf(site, options);
  if (typeof backend !== "object") return [];
  const { paths } = servedPaths(site);
  const bodies = inChunks(paths, MOST_PATHS).map((chunk) => siteRules(site, chunk, backend, options));
  const places = isTlsSite(site) ? tlsPlaces(names, ports, parents) : plainPlaces(names, ports, parents);
  return httpRoutes(
    objectName(site.name),
    places.flatMap((place) => bodies.map((rules) => ({ ...place, rules }))),
    options,
  );
}

/** The HTTPRoutes that send plain requests of one site to https. */
export function redirectRoutes(
  { site, names, port }: ListenerRedirect,
  parents: ReadonlyMap<string, ParentReference>,
  options: KubernetesOptions,
): readonly KubernetesObject[] {
  const requestRedirect = {
    scheme: "https",
    ...(port !== 443 && { port }),
    statusCode: hasGatewayApi(options, 5) ? 308 : 301,
  };
  const rules = [{ filters: [{ type: "RequestRedirect", requestRedirect }] }];
  const places = plainPlaces(names, [options.httpPort], parents);
  return httpRoutes(
    objectName(site.name, "redirect"),
    places.map((place) => ({ ...place, rules })),
    options,
  );
}

interface Place {
  readonly parentRefs: readonly ParentReference[];
  readonly hostnames?: readonly string[];
}

function httpRoutes(
  name: string,
  specs: readonly (Place & { readonly rules: readonly object[] })[],
  options: KubernetesOptions,
): readonly KubernetesObject[] {
  return specs.map((spec, index) => ({
    apiVersion: `${GATEWAY_GROUP}/v1`,
    kind: "HTTPRoute",
    metadata: metadata(partName(name, index), options),
    spec,
  }));
}

/** Every name has its own listener, so that the route needs no hostnames of its own. */
function tlsPlaces(
  names: readonly string[],
  ports: readonly number[],
  parents: ReadonlyMap<string, ParentReference>,
): readonly Place[] {
  const hosts = names.length === 0 ? [undefined] : names;
  const sections = ports.flatMap((port) => hosts.map((host) => sectionName("https", port, host)));
  const found = sections.flatMap((section) => parents.get(section) ?? []);
  return inChunks(found, MOST_PARENTS).map((parentRefs) => ({ parentRefs }));
}

function plainPlaces(
  names: readonly string[],
  ports: readonly number[],
  parents: ReadonlyMap<string, ParentReference>,
): readonly Place[] {
  const found = ports.flatMap((port) => parents.get(sectionName("http", port)) ?? []);
  return inChunks(found, MOST_PARENTS).flatMap((parentRefs): readonly Place[] =>
    names.length === 0
      ? [{ parentRefs }]
      : inChunks(names, MOST_HOSTNAMES).map((hostnames) => ({ parentRefs, hostnames })),
  );
}

function siteRules(
  site: SiteData,
  paths: readonly string[],
  backend: Backend,
  options: KubernetesOptions,
): readonly object[] {
  const upstream = effectiveUpstream(site);
  const seconds = site.timeouts?.responseSeconds;
  const filters = headerFilters(site);
  const shared = {
    ...(filters.length > 0 && { filters }),
    backendRefs: [
      {
        name: backend.service,
        ...(backend.namespace !== options.namespace && { namespace: backend.namespace }),
        port: backend.port,
      },
    ],
  };
  const isUnlimited = seconds === undefined && upstream?.isStreamed === true;
  const request = isUnlimited ? "0s" : seconds === undefined ? undefined : duration(seconds);
  const matches = paths.map((value) => ({ path: { type: "PathPrefix", value } }));
  const rule = { matches, ...shared, ...(request !== undefined && { timeouts: { request } }) };
  if (upstream?.grpc !== true || request === undefined || isUnlimited) return [rule];
  // the time-out counts to the end of the answer, and a stream of gRPC has none
  const grpcMatches = matches.flatMap((match) =>
    grpcTypes.map((value) => ({ ...match, headers: [{ type: "Exact", name: "content-type", value }] })),
  );
  return [{ matches: grpcMatches, ...shared, timeouts: { request: "0s" } }, rule];
}

/** A duration of GEP-2257: at most five digits a unit. */
function duration(seconds: number): string {
  return seconds <= 99_999 ? `${seconds}s` : `${Math.floor(seconds / 3600)}h${seconds % 3600}s`;
}

/** A header that an object of the Gateway API sets or adds. */
interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** RequestHeaderModifier and ResponseHeaderModifier have the same fields, each a set of headers by name. */
export interface HeaderModifier {
  readonly set?: readonly NamedValue[];
  readonly add?: readonly NamedValue[];
  readonly remove?: readonly string[];
}

const HSTS = "Strict-Transport-Security";

/** Filters of a site's rules: what it changes in requests and responses. */
function headerFilters(site: SiteData): readonly object[] {
  const request = headerModifier(site, "request");
  const response = headerModifier(site, "response");
  return [
    ...(request === undefined ? [] : [{ type: "RequestHeaderModifier", requestHeaderModifier: request }]),
    ...(response === undefined ? [] : [{ type: "ResponseHeaderModifier", responseHeaderModifier: response }]),
  ];
}

/** What is done to the headers of one direction, HSTS among them; undefined when nothing is. */
export function headerModifier(site: SiteData, on: HeaderChange["on"]): HeaderModifier | undefined {
  const changes = (site.headers ?? []).filter((change) => change.on === on);
  const pick = (action: HeaderChange["action"]): NamedValue[] =>
    changes.filter((change) => change.action === action).map(({ name, value = "" }) => ({ name, value }));
  const set = pick("set");
  if (on === "response" && site.hsts !== undefined) set.push({ name: HSTS, value: renderHsts(site.hsts) });
  const add = pick("append");
  const remove = pick("remove").map(({ name }) => name);
  if (set.length + add.length + remove.length === 0) return undefined;
  return { ...(set.length > 0 && { set }), ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) };
}
