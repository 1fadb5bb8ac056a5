import { renderList } from "../../text/list";
import { isCovered } from "../../x509/names/identifier";
import { ipOctets } from "../../x509/names/ip-address";
import { findRepeatedMatcher } from "./condition";
import { answeredNames, bindHosts, type SiteData } from "./site";

/** What is wrong in one site by itself. */
export interface SiteFinding {
  /** Path of the property, for instance `tls.letsEncrypt`. */
  readonly property: string;
  readonly reason: string;
}

/**
 * Finds contradictions inside one site that no gateway can serve. Expects the canonical form; what lies between sites is
 * the business of each kind of gateway.
 */
export function checkSite(site: SiteData): readonly SiteFinding[] {
  return [
    ...checkBinds(site),
    ...checkLetsEncrypt(site),
    ...checkCoverage(site),
    ...checkHeaders(site),
    ...checkRouting(site),
    ...checkRedirect(site),
    ...checkMaintenance(site),
    ...checkTlsOnly(site),
  ];
}

function checkBinds(site: SiteData): readonly SiteFinding[] {
  const twice = site.binds.find((bind, index) => site.binds.indexOf(bind) !== index);
  if (twice === undefined) return [];
  return [{ property: "binds", reason: `found ${twice} twice, expected each bind once: leave one of them away` }];
}

function checkRedirect(site: SiteData): readonly SiteFinding[] {
  if (site.redirectToHttps !== true || site.tls !== "disabled") return [];
  const reason =
    'found true together with tls: "disabled", expected a site with TLS: there is no https to redirect to. ' +
    "Leave redirectToHttps away, or choose one of the ways of TLS";
  return [{ property: "redirectToHttps", reason }];
}

/** What means nothing without TLS. A browser ignores HSTS over plain HTTP (RFC 6797 section 8.1). */
function checkTlsOnly(site: SiteData): readonly SiteFinding[] {
  if (site.tls !== "disabled") return [];
  return (["clientAuth", "hsts", "tlsProfile"] as const).flatMap((property) => {
    if (site[property] === undefined) return [];
    const reason = `found it together with tls: "disabled", expected a site with TLS: leave ${property} away, or choose one of the ways of TLS`;
    return [{ property, reason }];
  });
}

function checkMaintenance(site: SiteData): readonly SiteFinding[] {
  const conditions = site.maintenance?.conditions ?? [];
  const index = findRepeatedMatcher(conditions);
  if (index < 0) return [];
  const name = conditions[index]?.split(" ", 1)[0];
  const reason = `found a second line of the matcher ${name}, expected one: Caddy takes it once. Put both into one line, or negate one with not`;
  return [{ property: `maintenance.conditions[${index}]`, reason }];
}

/** Let's Encrypt validates names over HTTP or TLS (RFC 8555 section 8.3, RFC 8737) when a gateway asks by itself. */
function checkLetsEncrypt(site: SiteData): readonly SiteFinding[] {
  if (site.tls === "disabled" || !("letsEncrypt" in site.tls)) return [];
  const hosts = new Set(bindHosts(site));
  return answeredNames(site).flatMap((name) => {
    const problem = letsEncryptProblem(name);
    return problem === undefined ? [] : [{ property: hosts.has(name) ? "binds" : "hostnames", reason: problem }];
  });
}

function letsEncryptProblem(name: string): string | undefined {
  const instead = "Use an AcmeCertificate, a certificate of your own, or tls.selfSigned";
  if (ipOctets(name) !== undefined) {
    return `found the IP address ${name} with tls.letsEncrypt, expected a public host name. ${instead}`;
  }
  if (name.startsWith("*.")) {
    return (
      `found the wildcard ${name} with tls.letsEncrypt, expected whole host names: a wildcard needs the dns-01 ` +
      `challenge, which the gateway can't answer. ${instead}`
    );
  }
  if (name.includes(".")) return undefined;
  return `found ${name} with tls.letsEncrypt, expected a public host name, which has a dot. ${instead}`;
}

function checkCoverage(site: SiteData): readonly SiteFinding[] {
  const certificate = knownNames(site);
  if (certificate === undefined) return [];
  const missing = answeredNames(site).filter(
    (name) => !certificate.names.includes(name) && !isCovered(name, certificate.names),
  );
  if (missing.length === 0) return [];
  const found = `found ${listed(certificate.names)}, which does not cover ${listed(missing)} of this site's names`;
  return [{ property: certificate.property, reason: `${found}. ${certificate.advice}` }];
}

/** The names of the site's certificate, where they are known beforehand. */
function knownNames(site: SiteData): { names: readonly string[]; property: string; advice: string } | undefined {
  if (site.tls === "disabled") return undefined;
  if ("selfSigned" in site.tls && site.tls.selfSigned.hostnames !== undefined) {
    const advice = "Add the names, or leave tls.selfSigned.hostnames away: then the site's names are taken";
    return { names: site.tls.selfSigned.hostnames, property: "tls.selfSigned.hostnames", advice };
  }
  if (!("certificate" in site.tls) || !("name" in site.tls.certificate)) return undefined;
  const { name, hostnames } = site.tls.certificate;
  if (hostnames === undefined) return undefined;
  const advice = `Clients would refuse the certificate "${name}" there: get one with these names, or leave the names out of hostnames and binds`;
  return { names: hostnames, property: "tls.certificate", advice };
}

function checkHeaders(site: SiteData): readonly SiteFinding[] {
  return (site.headers ?? []).flatMap(({ action, name, value }, index) => {
    const property = `headers[${index}].value`;
    if (action === "remove" && value !== undefined) {
      return [{ property, reason: `found a value for the removal of ${name}, expected none: leave value away` }];
    }
    if (action !== "remove" && value === undefined) {
      return [{ property, reason: `is missing: "${action}" needs the value of ${name}; to take it away use "remove"` }];
    }
    return [];
  });
}

function checkRouting(site: SiteData): readonly SiteFinding[] {
  const seen = new Set<string>();
  return (site.routing ?? []).flatMap(({ route, effect, rewrite }, index) => {
    const findings: SiteFinding[] = [];
    if (seen.has(route)) {
      const reason = `found a second rule for "${route}", expected one for each route: the first would win. Leave one away`;
      findings.push({ property: `routing[${index}].route`, reason });
    }
    seen.add(route);
    if (rewrite !== undefined && (effect === "deny" || route === "*")) {
      const reason = `found a rewrite of ${effect === "deny" ? "a denied route" : 'every route ("*")'}, expected one of a single allowed route: leave rewrite away`;
      findings.push({ property: `routing[${index}].rewrite`, reason });
    }
    return findings;
  });
}

/** At most eight of a list, so that a message stays readable. */
function listed(names: readonly string[]): string {
  return renderList(names, 8) || "no name";
}
