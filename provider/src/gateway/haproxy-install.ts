import type { HaproxyOptions } from "./haproxy-options";
import type { GatewayCommands, GatewayInstall } from "./kind";
import { listenersOf } from "./listeners";
import { proxyProbes } from "./proxy-files";
import { ownerOf } from "./proxy-options";
import type { SiteData } from "./site";

/** Name of the configuration within a set. */
const configurationFile = "haproxy.cfg";

/** How HAProxy takes its configuration over: a master reads all files anew, and old workers end with their connections. */
export function haproxyInstall(sites: readonly SiteData[], options: HaproxyOptions): GatewayInstall {
  const owner = ownerOf(options);
  const { probes, unprobed } = proxyProbes(listenersOf(sites, options), options, "single");
  return {
    directory: options.directory,
    configurationFile,
    entries: [{ path: options.configFile, file: configurationFile, how: "link" }],
    ...(owner !== undefined && { owner }),
    check: `haproxy -c -q -f "$set/check/${configurationFile}"`,
    checkInstalled: checkCommand(options),
    reload: reloadCommand(options),
    probes,
    ...(unprobed.length > 0 && { unprobed }),
  };
}

/** What a person runs by hand. */
export function haproxyCommands(_sites: readonly SiteData[], options: HaproxyOptions): GatewayCommands {
  return {
    apply: [checkCommand(options), options.reloadCommand ?? "systemctl reload haproxy"],
    install: [checkCommand(options), "systemctl enable haproxy", "systemctl restart haproxy"],
  };
}

function checkCommand({ checkCommand: own, configFile }: HaproxyOptions): string {
  return own ?? `haproxy -c -q -f ${configFile}`;
}

/**
 * A master with a configuration that it can't read goes on with its old workers and says so in its log alone, so the check
 * goes before.
 */
function reloadCommand({ reloadCommand: own, pidFile, configFile }: HaproxyOptions): string {
  if (own !== undefined) return own;
  return [
    // of several lines the first is the master's
    `pid=$(head -n 1 ${pidFile} 2>/dev/null) && [ -n "$pid" ] || pid=0`,
    'name=$(cat "/proc/$pid/comm" 2>/dev/null || ps -p "$pid" -o comm= 2>/dev/null) || name=',
    "if [ -d /run/systemd/system ]; then systemctl reload-or-restart haproxy",
    // the file outlives its process, whose number may be another's by now: the signal would end that
    `elif [ "$name" = haproxy ] && tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q -e ' -W'; then kill -USR2 "$pid"`,
    // no master: a new one asks the old process to end
    `elif [ "$name" = haproxy ]; then haproxy -W -D -f ${configFile} -p ${pidFile} -sf "$pid"`,
    // a second one would take a share of the connections (SO_REUSEPORT)
    `elif pgrep -x -f '[^ ]*haproxy .*-f ${configFile}.*' >/dev/null 2>&1; then echo "haproxy runs, and ${pidFile} does not tell its process: give options.pidFile or options.reloadCommand" >&2; false`,
    `else haproxy -W -D -f ${configFile} -p ${pidFile}; fi`,
  ].join("\n");
}
