import type { GatewayCommands, GatewayInstall } from "../model/kind";
import { processSh } from "../proxy/embedded-scripts";
import { proxyInstall } from "../proxy/install";
import type { Listener } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { reloadSh } from "./embedded-scripts";
import type { TraefikOptions } from "./options";

/** The files of a set that hold the configuration; `reload.sh` has the name of the static one too. */
export const traefikFiles = { dynamic: "traefik-dynamic.yml", static: "traefik.yml" } as const;

function reloadCommand({ configFile, dynamicDirectory, user = "" }: TraefikOptions): string {
  const dynamicFile = `${dynamicDirectory}/tls-gateway.yml`;
  return processSh + shellFragment(reloadSh, { configFile, dynamicFile, user });
}

/** How a set is taken over by a running Traefik. */
export function traefikInstall(listeners: readonly Listener[], options: TraefikOptions): GatewayInstall {
  return proxyInstall(listeners, options, "pair", {
    configurationFile: traefikFiles.dynamic,
    entries: [
      { path: options.configFile, file: traefikFiles.static, how: "link" },
      // what Traefik watches is this folder: a link to elsewhere would never change in it
      { path: `${options.dynamicDirectory}/tls-gateway.yml`, file: traefikFiles.dynamic, how: "copy" },
    ],
    reload: reloadCommand(options),
  });
}

/** What a person runs by hand. */
export function traefikCommands(options: TraefikOptions): GatewayCommands {
  const check = options.checkCommand === undefined ? [] : [options.checkCommand];
  return {
    apply: [...check, options.reloadCommand ?? `directory=${options.directory}\n${reloadCommand(options)}`],
    install: [`traefik --configFile=${options.configFile}`],
  };
}
