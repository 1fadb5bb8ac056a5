import type { FirewallPort } from "./model/kind";
import type { Listener } from "./proxy/listeners";

/** The ports to open, sorted, each once with every reason. All TCP: HTTP/3 is offered by none of the configurations. */
export function proxyFirewallPorts(listeners: readonly Listener[]): readonly FirewallPort[] {
  const ports = new Map<number, { reasons: Set<string>; sites: Set<string> }>();
  for (const { port, isTls, sites, redirects, address, acmeThumbprint } of listeners) {
    if (address === "::1" || address.startsWith("127.")) continue;
    const entry = ports.get(port) ?? { reasons: new Set(), sites: new Set() };
    ports.set(port, entry);
    if (sites.length > 0) entry.reasons.add(`${isTls ? "HTTPS" : "HTTP"} of the sites`);
    if (redirects.length > 0) entry.reasons.add("redirect from HTTP to HTTPS");
    if (acmeThumbprint !== undefined) entry.reasons.add("challenges http-01 of the CA");
    for (const { site } of [...sites, ...redirects]) {
      entry.sites.add(site.name);
      if (site.tls !== "disabled" && "letsEncrypt" in site.tls) entry.reasons.add("challenges of Let's Encrypt");
    }
  }
  return [...ports]
    .sort(([one], [other]) => one - other)
    .map(([port, { reasons, sites }]) => ({
      port,
      protocol: "tcp",
      reason: [...reasons].join("; "),
      sites: [...sites].sort(),
    }));
}
