import type { GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { currentFolder } from "../proxy/files";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { nginxDialect } from "./dialect";
import { checkInstalledSh, reloadSh } from "./embedded-scripts";
import type { NginxOptions } from "./options";

/** Name of the configuration within a set, and of one that does nothing but read it, to judge a set. */
const CONFIGURATION_FILE = "nginx.conf";
const CHECK_FILE = "nginx-check.conf";

/** How nginx takes the configuration over. */
export function nginxInstall(sites: readonly SiteData[], options: NginxOptions): GatewayInstall {
  return proxyInstall(listenersOf(sites, options), options, "pair", {
    configurationFile: CONFIGURATION_FILE,
    entries: [{ path: options.configFile, file: CONFIGURATION_FILE, how: "link" }],
    check: `nginx -t -q -c "$set/check/${CHECK_FILE}"`,
    checkInstalled: shellFragment(checkInstalledSh, { configFile: options.configFile }),
    reload: shellFragment(reloadSh, { pidFile: options.pidFile }),
  });
}

/** The configuration by which a set is judged alone: what it includes stands beside it. */
export function nginxTexts(options: NginxOptions): Readonly<Record<string, string>> {
  const lines = [
    "# Judges the configuration beside it: nginx -t -c <this file>",
    // the running server's process id and logs are not touched
    "pid /dev/null;",
    "error_log stderr;",
    "events {}",
    "http {",
    "  access_log off;",
    `  include ${nginxDialect.quote(CONFIGURATION_FILE)};`,
    "}",
  ];
  return { [`${currentFolder(options)}/${CHECK_FILE}`]: `${lines.join("\n")}\n` };
}

/** What a person would run after the files are in place. */
export function nginxApply({ checkCommand, reloadCommand }: NginxOptions): readonly string[] {
  return [checkCommand ?? "nginx -t", reloadCommand ?? "systemctl reload nginx"];
}
