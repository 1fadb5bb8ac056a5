import type { FirewallPort, GatewayInstall } from "../model/kind";
import { readersOf } from "../model/readers";
import { type CertificateLayout, proxyProbes } from "./files";
import type { Listener } from "./listeners";
import type { ProxyOptions } from "./options";

/** What a kind says itself of how its server takes a set over; the commands stand for those that the options lack. */
export type OwnInstall = Pick<GatewayInstall, "configurationFile" | "entries" | "reload"> &
  Partial<Pick<GatewayInstall, "check" | "checkInstalled" | "unprobed">>;

/** How a server takes a set over: its own way, unless the options have another, its folder and readers, and handshakes. */
export function proxyInstall(
  listeners: readonly Listener[],
  options: ProxyOptions,
  layout: CertificateLayout,
  own: OwnInstall,
): GatewayInstall {
  const readers = readersOf(options);
  const checkInstalled = options.checkCommand ?? own.checkInstalled;
  const { probes, unprobed } = proxyProbes(listeners, options, layout);
  const silent = [...unprobed, ...(own.unprobed ?? [])];
  return {
    directory: options.directory,
    configurationFile: own.configurationFile,
    entries: own.entries,
    ...(readers !== undefined && { readers }),
    ...(own.check !== undefined && { check: own.check }),
    ...(checkInstalled !== undefined && { checkInstalled }),
    reload: options.reloadCommand ?? own.reload,
    probes,
    ...(silent.length > 0 && { unprobed: silent }),
  };
}

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
