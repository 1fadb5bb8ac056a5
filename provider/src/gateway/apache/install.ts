import type { GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { currentFolder } from "../proxy/files";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { apacheDialect } from "./dialect";
import { checkInstalledSh, checkSh, listenAwk, reloadSh } from "./embedded-scripts";
import type { ApacheOptions } from "./options";

/** Name of the configuration within a set, and of those that do nothing but read it, to judge a set: `check.sh` has them too. */
const CONFIGURATION_FILE = "apache.conf";
const CHECK_FILE = "apache-check.conf";
const TRIAL_FILE = "apache-trial.conf";

/** Where Apache listens while a set is judged: an address of the block of inner hosts. */
const TRIAL_ADDRESS = "127.127.127.127";

/** How Apache takes the configuration over. */
export function apacheInstall(sites: readonly SiteData[], options: ApacheOptions): GatewayInstall {
  return proxyInstall(listenersOf(sites, options), options, "pair", {
    configurationFile: CONFIGURATION_FILE,
    entries: [{ path: options.configFile, file: CONFIGURATION_FILE, how: "link" }],
    check: shellFragment(checkSh, { test: '[ "$@" "$set/check/apache-check.pid" ]' }),
    checkInstalled: checkInstalled(options),
    reload: shellFragment(reloadSh, { pidFile: options.pidFile }),
  });
}

/** The configuration by which a set is judged alone: what it includes stands beside it. */
export function apacheTexts(options: ApacheOptions): Readonly<Record<string, string>> {
  const modules = apacheDialect.quote(`${options.modulesDirectory}/mod_mpm_event.so`);
  const lines = [
    "# Judges the configuration beside it: apache2 -t -d <its folder> -f <this file>",
    "ServerName tls-gateway.invalid",
    // the running server's process id, locks and logs are not touched
    'DefaultRuntimeDir "."',
    'PidFile "apache-check.pid"',
    'ErrorLog "/dev/stderr"',
    "LogLevel error",
    "<IfModule !mpm_event_module>",
    `  LoadModule mpm_event_module ${modules}`,
    "</IfModule>",
    "<IfDefine !tls_gateway_trial>",
    `  Include "${CONFIGURATION_FILE}"`,
    "</IfDefine>",
    "<IfDefine tls_gateway_trial>",
    "  User #65534",
    "  Group #65534",
    "  StartServers 1",
    "  MinSpareThreads 1",
    "  MaxSpareThreads 26",
    "  ThreadsPerChild 25",
    "  MaxRequestWorkers 25",
    `  Listen ${TRIAL_ADDRESS}:${options.innerPort}`,
    `  Include "${TRIAL_FILE}"`,
    "</IfDefine>",
  ];
  return { [`${currentFolder(options)}/${CHECK_FILE}`]: `${lines.join("\n")}\n` };
}

/** What a person would run after the files are in place. */
export function apacheApply({ checkCommand, reloadCommand }: ApacheOptions): readonly string[] {
  return [checkCommand ?? "apache2ctl configtest", reloadCommand ?? "systemctl reload apache2"];
}

function checkInstalled({ configFile, modulesDirectory }: ApacheOptions): string {
  const awk = shellFragment(listenAwk, { configFile });
  return shellFragment(checkInstalledSh, { configFile, modulesDirectory, listenAwk: awk });
}
