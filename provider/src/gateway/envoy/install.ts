import type { GatewayCommands, GatewayInstall } from "../model/kind";
import { processSh } from "../proxy/embedded-scripts";
import { proxyInstall } from "../proxy/install";
import type { Listener } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { checkSh, reloadSh } from "./embedded-scripts";
import type { EnvoyOptions } from "./options";

/** Where Envoy looks, by the command of its packages' units; `reload.sh` has it too. */
const BOOTSTRAP = "/etc/envoy/envoy.json";

/** The files of a set that hold the configuration; `check.sh` has their names too. */
export const envoyFiles = { bootstrap: "envoy.json", listeners: "lds.json", clusters: "cds.json" } as const;

function reloadCommand({ user = "" }: EnvoyOptions): string {
  return processSh + shellFragment(reloadSh, { user });
}

/** How a set is taken over by a running Envoy. */
export function envoyInstall(listeners: readonly Listener[], options: EnvoyOptions): GatewayInstall {
  return proxyInstall(listeners, options, "pair", {
    configurationFile: envoyFiles.bootstrap,
    entries: [{ path: BOOTSTRAP, file: envoyFiles.bootstrap, how: "link" }],
    check: shellFragment(checkSh),
    reload: reloadCommand(options),
  });
}

/** What a person runs by hand. */
export function envoyCommands(options: EnvoyOptions): GatewayCommands {
  return {
    apply: [
      ...(options.checkCommand === undefined ? [] : [options.checkCommand]),
      options.reloadCommand ?? reloadCommand(options),
    ],
    install: [`envoy --mode validate -c ${BOOTSTRAP}`, `envoy -c ${BOOTSTRAP}`],
  };
}
