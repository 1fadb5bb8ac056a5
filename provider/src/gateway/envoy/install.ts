import type { GatewayCommands, GatewayInstall } from "../model/kind";
import { proxyInstall } from "../proxy/install";
import type { Listener } from "../proxy/listeners";
import type { EnvoyOptions } from "./options";

/** Where Envoy looks, by the command of its packages' units. */
const bootstrap = "/etc/envoy/envoy.json";

/** The files of a set that hold the configuration. */
export const envoyFiles = { bootstrap: "envoy.json", listeners: "lds.json", clusters: "cds.json" } as const;

/**
 * Envoy's checker looks at what stands in the bootstrap alone, so listeners and clusters are put into one for it. The texts
 * are ours, with each key on a line of its own.
 */
const check = [
  `one() { sed -e '1d;$d' -e 's/^ "resources"/"'"$1"'"/' -e '/^   "@type"/d' "$set/check/$2"; }`,
  `if command -v envoy >/dev/null; then { echo '{"static_resources":{'; one listeners ${envoyFiles.listeners}; echo ,; one clusters ${envoyFiles.clusters}; echo '}}'; } >"$set/check/static.json" && envoy --mode validate -c "$set/check/static.json"; else echo 'envoy is not on PATH: its configuration was not checked' >&2; fi`,
].join("\n");

/** The swap of the link is what a running Envoy sees, so that it is started at most. */
const reload =
  `if [ -d /run/systemd/system ]; then systemctl is-active --quiet envoy || systemctl start envoy; ` +
  `else ps -e -o comm= | grep -qx envoy || { nohup envoy -c ${bootstrap} >/dev/null 2>&1 & }; fi`;

/** How a set is taken over by a running Envoy. */
export function envoyInstall(listeners: readonly Listener[], options: EnvoyOptions): GatewayInstall {
  return proxyInstall(listeners, options, "pair", {
    configurationFile: envoyFiles.bootstrap,
    entries: [{ path: bootstrap, file: envoyFiles.bootstrap, how: "link" }],
    check,
    reload,
  });
}

/** What a person runs by hand. */
export function envoyCommands(options: EnvoyOptions): GatewayCommands {
  return {
    apply: [...(options.checkCommand === undefined ? [] : [options.checkCommand]), options.reloadCommand ?? reload],
    install: [`envoy --mode validate -c ${bootstrap}`, `envoy -c ${bootstrap}`],
  };
}
