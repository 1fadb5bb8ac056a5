import type { SiteProblem } from "../../model/problem";
import type { HeaderChange, SiteData } from "../../model/site";
import { effectiveUpstream } from "../../model/upstream";
import { checkVerifiedName } from "../../proxy/checks";
import { listenersOf } from "../../proxy/listeners";
import { hasGatewayApi, type KubernetesOptions, listening } from "../options";
import { servedPaths } from "../paths";
import { listenerEntries, MOST_LISTENERS } from "./listeners";
import { sharedServices } from "./policies";
import { headerModifier } from "./routes";

/** What the types allow: headers of one kind of change, the octets of a value, and of a path. */
const MOST_HEADERS = 16;
const LONGEST_VALUE = 4096;
const LONGEST_PATH = 1024;

/** Finds what the Gateway API can't say of these sites, which come sorted by name. */
export function checkGatewaySites(sites: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  return [
    ...sites.flatMap((site) => checkGatewaySite(site, options)),
    ...checkListenerCount(sites, options),
    ...checkClientPorts(sites, options),
    ...checkServices(sites, options),
  ];
}

function checkGatewaySite(site: SiteData, options: KubernetesOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme === "https" && !hasGatewayApi(options, 4)) {
    const reason = `an https upstream is verified by a BackendTLSPolicy, which the Gateway API ${options.version} does not have: set options.version to what the cluster has, at least 1.4, or use http://`;
    add("upstream.url", reason);
  }
  problems.push(...checkVerifiedName(site, "a BackendTLSPolicy"));
  if (site.clientAuth !== undefined && !hasGatewayApi(options, 5)) {
    const reason = `the Gateway API ${options.version} can't ask clients for certificates: set options.version to what the cluster has, at least 1.5`;
    add("clientAuth", reason);
  }
  if (site.maxBodyBytes !== undefined) {
    const reason =
      'the Gateway API has no field for it: leave it away, or use api: "ingress" with ingressController: "nginx"';
    add("maxBodyBytes", reason);
  }
  for (const name of ["connectSeconds", "tunnelSeconds"] as const) {
    if (site.timeouts?.[name] === undefined) continue;
    add(
      `timeouts.${name}`,
      "the Gateway API has a time-out for the whole answer only (responseSeconds): leave it away",
    );
  }
  const long = servedPaths(site).paths.find((path) => path.length > LONGEST_PATH);
  if (long !== undefined) {
    add("routing", `a route has ${long.length} characters, and the Gateway API takes ${LONGEST_PATH}: shorten it`);
  }
  return [...problems, ...checkHeaders(site)];
}

function checkHeaders(site: SiteData): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  const seen = new Set<string>(site.hsts === undefined ? [] : ["response strict-transport-security"]);
  for (const [index, { on, action, name, value = "" }] of (site.headers ?? []).entries()) {
    const property = `headers[${index}]`;
    if (action === "addIfAbsent" || action === "replace") {
      const reason = `the Gateway API can set, append and remove headers, but can't see whether ${name} is there: use "set"`;
      add(`${property}.action`, reason);
    }
    if (value.length > LONGEST_VALUE) {
      add(
        `${property}.value`,
        `it has ${value.length} characters, and the Gateway API takes ${LONGEST_VALUE}: shorten it`,
      );
    }
    const key = `${on} ${name.toLowerCase()}`;
    if (seen.has(key)) {
      const reason = `${name} is changed twice on the ${on}, and the Gateway API knows no order of changes: merge them into one`;
      add(`${property}.name`, reason);
    }
    seen.add(key);
  }
  for (const on of ["request", "response"] as const satisfies readonly HeaderChange["on"][]) {
    const { set = [], add: added = [], remove = [] } = headerModifier(site, on) ?? {};
    if (Math.max(set.length, added.length, remove.length) <= MOST_HEADERS) continue;
    add("headers", `the Gateway API takes ${MOST_HEADERS} changes of one kind on the ${on}: leave some away`);
  }
  return problems;
}

function checkListenerCount(sites: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  if (hasGatewayApi(options, 5)) return [];
  const [last] = sites.slice(-1);
  const count = listenerEntries(listenersOf(sites, listening(options))).size;
  if (count <= MOST_LISTENERS || last === undefined) return [];
  const reason = `the sites have ${count} names and ports, and a Gateway of the Gateway API ${options.version} has room for ${MOST_LISTENERS}: make a second gateway, or set options.version to what the cluster has, at least 1.5`;
  return [{ site: last.name, property: "hostnames", reason }];
}

/** Connections are shared by the sites of a port, so that certificates of clients are asked for by port (GEP-91). */
function checkClientPorts(sites: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  return listenersOf(sites, listening(options)).flatMap(({ port, isTls, sites: listed }) => {
    const [first] = listed.filter(({ site }) => site.clientAuth !== undefined);
    if (!isTls || first === undefined) return [];
    return listed.flatMap(({ site }) => {
      if (site === first.site) return [];
      const reason = `the Gateway API asks for client certificates on a whole port, and site "${first.site.name}" does so on ${port}: give one of them another port, or put their names into one site`;
      return [{ site: site.name, otherSite: first.site.name, property: "clientAuth", reason }];
    });
  });
}

/** One BackendTLSPolicy speaks for all ports of a Service. */
function checkServices(sites: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  return sharedServices(sites, options).flatMap(({ service, sites: [first, ...others] }) => {
    const expected = verification(first);
    return others.flatMap((site) => {
      if (verification(site) === expected) return [];
      const reason = `the Service ${service} is spoken to in one way (plain, or TLS with one name and one root) by all sites, and "${first.name}" has another: say the same in both, or name another Service`;
      return [{ site: site.name, otherSite: first.name, property: "upstream", reason }];
    });
  });
}

function verification(site: SiteData): string {
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme !== "https") return "plain";
  return `${upstream.serverName} ${site.upstream?.rootCa === true ? "root" : "system"}`;
}
