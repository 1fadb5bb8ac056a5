import { ALL_ADDRESSES, readBind } from "../model/bind";
import type { SiteProblem } from "../model/problem";
import { bindHosts, isTlsSite, type SiteData } from "../model/site";

/** One site address that Cells writes into its Caddyfile. */
interface Claim {
  readonly site: SiteData;
  readonly bind: string;
  readonly isRedirect: boolean;
}

/** Caddy's port for redirects (`http_port`). */
const REDIRECT_PORT = 80;

/** Finds addresses that two sites claim, ports with TLS and without, and hosts whose certificate has two masters. */
export function checkCellsAddresses(sites: readonly SiteData[]): readonly SiteProblem[] {
  return [...checkClaims(sites), ...checkPorts(sites), ...checkAutomation(sites)];
}

/** Caddy: "ambiguous site definition". */
function checkClaims(sites: readonly SiteData[]): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const claimed = new Map<string, Claim>();
  const claim = (address: string, next: Claim): void => {
    const first = claimed.get(address);
    if (first === undefined) claimed.set(address, next);
    else problems.push(collision(address, first, next));
  };
  for (const site of sites) {
    for (const bind of site.binds) claim(bind, { site, bind, isRedirect: false });
  }
  for (const site of sites) {
    if (site.redirectToHttps !== true) continue;
    for (const bind of site.binds) {
      const { host, port } = readBind(bind);
      if (port !== REDIRECT_PORT) claim(`${host}:${REDIRECT_PORT}`, { site, bind, isRedirect: true });
    }
  }
  return problems;
}

function collision(address: string, first: Claim, next: Claim): SiteProblem {
  const other = first.site === next.site ? {} : { otherSite: first.site.name };
  const who = `site "${first.site.name}"`;
  const where =
    readBind(address).host === ALL_ADDRESSES ? "http://:80 for every host" : `http://${readBind(address).host}`;
  if (!next.isRedirect) {
    const reason = `${next.bind} is a bind of ${who} too, and Cells would not start: give one of them another host or port`;
    return { site: next.site.name, ...other, property: "binds", reason };
  }
  const taken = first.isRedirect ? `${who} redirects for ${first.bind}` : `${who} is bound to it`;
  const reason =
    first.site === next.site
      ? `the binds ${first.bind} and ${next.bind} share a host, and Cells can redirect ${where} to one of them only: put one into a site of its own`
      : `the bind ${next.bind} makes a redirect at ${where}, where ${taken}, and Cells would not start: keep one of them`;
  return { site: next.site.name, ...other, property: "redirectToHttps", reason };
}

/** Caddy: "cannot natively multiplex HTTP and HTTPS". Port 80 with TLS is refused elsewhere, so redirects can't collide. */
function checkPorts(sites: readonly SiteData[]): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const first = { plain: new Map<number, Claim>(), tls: new Map<number, Claim>() };
  for (const site of sites) {
    const [own, opposite] = isTlsSite(site) ? [first.tls, first.plain] : [first.plain, first.tls];
    for (const bind of site.binds) {
      const { port } = readBind(bind);
      const other = opposite.get(port);
      if (!own.has(port)) own.set(port, { site, bind, isRedirect: false });
      if (other === undefined) continue;
      const [here, there] = isTlsSite(site) ? ["TLS", "plain HTTP"] : ["plain HTTP", "TLS"];
      const reason = `${bind} is for ${here}, and ${other.bind} of site "${other.site.name}" is for ${there} on the same port: one port can't carry both, whatever the hosts. Give one of them another port`;
      problems.push({ site: site.name, otherSite: other.site.name, property: "binds", reason });
    }
  }
  return problems;
}

/** Caddy: "hostname appears in more than one automation policy". */
function checkAutomation(sites: readonly SiteData[]): readonly SiteProblem[] {
  const problems: SiteProblem[] = [];
  const masters = new Map<string, { site: SiteData; policy: string }>();
  const asking = sites.filter((site) => site.tls !== "disabled" && "letsEncrypt" in site.tls);
  const managed = new Set(asking.flatMap(bindHosts));
  if (managed.size === 0) return problems;
  for (const site of sites) {
    if (!isTlsSite(site)) continue;
    const policy = automationPolicy(site);
    for (const host of bindHosts(site)) {
      if (!managed.has(host)) continue;
      const first = masters.get(host);
      if (first === undefined) masters.set(host, { site, policy });
      if (first === undefined || first.policy === policy) continue;
      const reason = `${host} gets its certificate from ${policy} here and from ${first.policy} in site "${first.site.name}", and Cells would not start: secure the host the same way in both`;
      problems.push({ site: site.name, otherSite: first.site.name, property: "tls", reason });
    }
  }
  return problems;
}

function automationPolicy(site: SiteData): string {
  if (site.tls === "disabled" || !("letsEncrypt" in site.tls)) return "a file";
  const { email, staging } = site.tls.letsEncrypt;
  return `Let's Encrypt${staging === true ? " staging" : ""} as ${email}`;
}
