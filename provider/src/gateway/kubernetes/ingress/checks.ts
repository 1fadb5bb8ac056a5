import { readBind } from "../../model/bind";
import type { SiteProblem } from "../../model/problem";
import { answeredNames, isTlsSite, type SiteData } from "../../model/site";
import { effectiveUpstream } from "../../model/upstream";
import type { KubernetesOptions } from "../options";

/** Finds what Ingresses can't say of these sites, which come sorted by name. */
export function checkIngressSites(sites: readonly SiteData[], options: KubernetesOptions): readonly SiteProblem[] {
  return [...sites.flatMap((site) => checkIngressSite(site, options)), ...checkHosts(sites)];
}

function checkIngressSite(site: SiteData, options: KubernetesOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  const port = isTlsSite(site) ? 443 : 80;
  for (const bind of site.binds.filter((text) => readBind(text).port !== port)) {
    const reason = `${bind}: an Ingress knows no ports but 80, and 443 with TLS: use port ${port}, or api: "gateway"`;
    add("binds", reason);
  }
  if (site.redirectToHttps === true && options.httpPort !== 80) {
    add(
      "redirectToHttps",
      `an Ingress listens on port 80, found options.httpPort ${options.httpPort}: leave that away`,
    );
  }
  if (site.hsts !== undefined) {
    add("hsts", 'an Ingress has no field for it, and ingress-nginx only one for all sites: use api: "gateway"');
  }
  if (site.headers !== undefined) add("headers", 'an Ingress changes no headers: use api: "gateway"');
  const upstream = effectiveUpstream(site);
  if (upstream?.scheme === "h2c") {
    add("upstream.url", 'an Ingress speaks HTTP/1.1 to its Services: use http:// or api: "gateway"');
  }
  if (site.upstream?.grpc === true) {
    add("upstream.grpc", 'an Ingress can\'t tell requests apart by their content type: use api: "gateway"');
  }
  return [...problems, ...checkController(site, options)];
}

/** What annotations of ingress-nginx can say, and the standard can't. */
function checkController(site: SiteData, options: KubernetesOptions): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const add = (property: string, reason: string): void => {
    problems.push({ site: site.name, property, reason });
  };
  const isHttps = site.upstream?.url.startsWith("https:") === true;
  if (options.ingressController === "nginx") {
    if (isHttps && site.upstream?.rootCa !== true) {
      add("upstream.url", "ingress-nginx verifies an https upstream by a root that is given: give rootCaPem");
    }
    if (site.timeouts?.tunnelSeconds !== undefined) {
      add("timeouts.tunnelSeconds", "ingress-nginx has one time-out for answers and tunnels: use responseSeconds");
    }
    return problems;
  }
  const needed = [
    ["redirectToHttps", site.redirectToHttps === true],
    ["clientAuth", site.clientAuth !== undefined],
    ["maxBodyBytes", site.maxBodyBytes !== undefined],
    ["timeouts", site.timeouts !== undefined],
    ["upstream.url", isHttps],
  ] as const;
  for (const [property] of needed.filter(([, isNeeded]) => isNeeded)) {
    const found = property === "upstream.url" ? "has no field for TLS to a Service" : "has no field for it";
    add(
      property,
      `an Ingress ${found}: say ingressController: "nginx" if that is what runs there, or use api: "gateway"`,
    );
  }
  return problems;
}

/** Two Ingresses with the same host are one, whatever the ports of their sites. */
function checkHosts(sites: readonly SiteData[]): readonly SiteProblem[] {
  const owners = new Map<string, SiteData>();
  return sites.flatMap((site) => {
    const names = answeredNames(site);
    return (names.length === 0 ? [""] : names).flatMap((name) => {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, site);
      if (owner === undefined || isTlsSite(owner) === isTlsSite(site)) return [];
      const found = name === "" ? "every name" : name;
      const reason = `both answer ${found}, one with TLS and one without, and an Ingress tells ports not apart: use one site with redirectToHttps, or api: "gateway"`;
      return [{ site: site.name, otherSite: owner.name, property: name === "" ? "binds" : "hostnames", reason }];
    });
  });
}
