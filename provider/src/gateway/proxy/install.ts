import type { GatewayInstall } from "../model/kind";
import { type CertificateLayout, proxyProbes } from "./files";
import type { Listener } from "./listeners";
import { ownerOf, type ProxyOptions } from "./options";

/** What a kind says itself of how its server takes a set over; the commands stand for those that the options lack. */
export type OwnInstall = Pick<GatewayInstall, "configurationFile" | "entries" | "reload"> &
  Partial<Pick<GatewayInstall, "check" | "checkInstalled" | "unprobed">>;

/** How a server takes a set over: its own way, unless the options have another, its folder and owner, and handshakes. */
export function proxyInstall(
  listeners: readonly Listener[],
  options: ProxyOptions,
  layout: CertificateLayout,
  own: OwnInstall,
): GatewayInstall {
  const owner = ownerOf(options);
  const checkInstalled = options.checkCommand ?? own.checkInstalled;
  const { probes, unprobed } = proxyProbes(listeners, options, layout);
  const silent = [...unprobed, ...(own.unprobed ?? [])];
  return {
    directory: options.directory,
    configurationFile: own.configurationFile,
    entries: own.entries,
    ...(owner !== undefined && { owner }),
    ...(own.check !== undefined && { check: own.check }),
    ...(checkInstalled !== undefined && { checkInstalled }),
    reload: options.reloadCommand ?? own.reload,
    probes,
    ...(silent.length > 0 && { unprobed: silent }),
  };
}
