import type { GatewayCommands, GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { processSh } from "../proxy/embedded-scripts";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { reloadSh } from "./embedded-scripts";
import type { HaproxyOptions } from "./options";

/** Name of the configuration within a set. */
const CONFIGURATION_FILE = "haproxy.cfg";

/** How HAProxy takes its configuration over: a master reads all files anew, and old workers end with their connections. */
export function haproxyInstall(sites: readonly SiteData[], options: HaproxyOptions): GatewayInstall {
  return proxyInstall(listenersOf(sites, options), options, "single", {
    configurationFile: CONFIGURATION_FILE,
    entries: [{ path: options.configFile, file: CONFIGURATION_FILE, how: "link" }],
    check: `haproxy -c -q -f "$set/check/${CONFIGURATION_FILE}"`,
    checkInstalled: checkCommand(options),
    reload: reloadCommand(options),
  });
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

function reloadCommand({ reloadCommand: own, pidFile, configFile, processUser }: HaproxyOptions): string {
  return own ?? processSh + shellFragment(reloadSh, { pidFile, configFile, processUser });
}
