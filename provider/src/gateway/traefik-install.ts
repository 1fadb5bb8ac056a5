import type { GatewayCommands, GatewayInstall } from "./kind";
import type { Listener } from "./listeners";
import { proxyProbes } from "./proxy-files";
import { ownerOf } from "./proxy-options";
import type { TraefikOptions } from "./traefik-options";
import { dynamicFolder } from "./traefik-static";

/** The files of a set that hold the configuration. */
export const traefikFiles = { dynamic: "traefik-dynamic.yml", static: "traefik.yml" } as const;

/** Where Traefik looks by itself. */
const staticPath = "/etc/traefik/traefik.yml";

/**
 * Traefik sees a new dynamic file by itself. Of the static one, which it reads at its start, a copy tells which is running.
 */
const reload = [
  `running="$directory/traefik-running.yml"; current="$directory/current/${traefikFiles.static}"`,
  `if [ -d /run/systemd/system ]; then if cmp -s "$current" "$running" && systemctl is-active --quiet traefik; then :; else systemctl restart traefik; fi && cp "$current" "$running"; else pids=$(ps -e -o pid=,comm= | awk '$2 == "traefik" { print $1 }'); if [ -n "$pids" ] && cmp -s "$current" "$running"; then :; else if [ -n "$pids" ]; then kill $pids; while kill -0 $pids 2>/dev/null; do sleep 1; done; fi; { nohup traefik >/dev/null 2>&1 & }; cp "$current" "$running"; fi; fi`,
].join("\n");

/** How a set is taken over by a running Traefik. */
export function traefikInstall(listeners: readonly Listener[], options: TraefikOptions): GatewayInstall {
  const owner = ownerOf(options);
  const { probes, unprobed } = proxyProbes(listeners, options, "pair");
  return {
    directory: options.directory,
    configurationFile: traefikFiles.dynamic,
    entries: [
      { path: staticPath, file: traefikFiles.static, how: "link" },
      // what Traefik watches is this folder: a link to elsewhere would never change in it
      { path: `${dynamicFolder}/tls-gateway.yml`, file: traefikFiles.dynamic, how: "copy" },
    ],
    ...(owner !== undefined && { owner }),
    ...(options.checkCommand !== undefined && { checkInstalled: options.checkCommand }),
    reload: options.reloadCommand ?? reload,
    probes,
    ...(unprobed.length > 0 && { unprobed }),
  };
}

/** What a person runs by hand. */
export function traefikCommands(options: TraefikOptions): GatewayCommands {
  const check = options.checkCommand === undefined ? [] : [options.checkCommand];
  return {
    apply: [...check, options.reloadCommand ?? `directory=${options.directory}\n${reload}`],
    install: [`traefik --configFile=${staticPath}`],
  };
}
