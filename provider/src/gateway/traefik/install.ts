import type { GatewayCommands, GatewayInstall } from "../model/kind";
import { proxyInstall } from "../proxy/install";
import type { Listener } from "../proxy/listeners";
import type { TraefikOptions } from "./options";

/** The files of a set that hold the configuration. */
export const traefikFiles = { dynamic: "traefik-dynamic.yml", static: "traefik.yml" } as const;

/**
 * Traefik reads its dynamic folder anew when a file there changes, and certificates with it. After a renewal the text is
 * the same as before, so it is moved into place again. Of the static file, which is read at the start, a copy tells which
 * one is running.
 */
function reloadCommand({ configFile, dynamicDirectory }: TraefikOptions): string {
  const dynamic = `${dynamicDirectory}/tls-gateway.yml`;
  return [
    // another ending than Traefik looks for, until it is whole
    `cp -p ${dynamic} ${dynamic}.next && mv -f ${dynamic}.next ${dynamic} || exit 1`,
    `running="$directory/running"; current="$directory/current/${traefikFiles.static}"`,
    `if [ -d /run/systemd/system ]; then if cmp -s "$current" "$running" && systemctl is-active --quiet traefik; then :; else systemctl restart traefik; fi && cp "$current" "$running"; else pids=$(ps -e -o pid=,args= | awk '$2 ~ /(^|\\/)traefik$/ && ($0 !~ /--config[Ff]ile/ || index($0, "--configFile=${configFile}")) { print $1 }'); if [ -n "$pids" ] && cmp -s "$current" "$running"; then :; else if [ -n "$pids" ]; then kill $pids; while kill -0 $pids 2>/dev/null; do sleep 1; done; fi; { nohup traefik --configFile=${configFile} >/dev/null 2>&1 & }; cp "$current" "$running"; fi; fi`,
  ].join("\n");
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
