import { apacheDialect } from "./apache-dialect";
import type { ApacheOptions } from "./apache-options";
import type { GatewayInstall } from "./kind";
import { listenersOf } from "./listeners";
import { currentFolder, proxyProbes } from "./proxy-files";
import { ownerOf } from "./proxy-options";
import type { SiteData } from "./site";

/** Name of the configuration within a set, and of one that does nothing but read it, to judge a set. */
const configurationFile = "apache.conf";
const checkFile = "apache-check.conf";

/** How Apache takes the configuration over. */
export function apacheInstall(sites: readonly SiteData[], options: ApacheOptions): GatewayInstall {
  const { probes, unprobed } = proxyProbes(listenersOf(sites, options), options, "pair");
  const owner = ownerOf(options);
  return {
    directory: options.directory,
    configurationFile,
    entries: [{ path: options.configFile, file: configurationFile, how: "link" }],
    ...(owner !== undefined && { owner }),
    check: `apache2 -t -d "$set/check" -f "$set/check/${checkFile}"`,
    checkInstalled: options.checkCommand ?? checkInstalled(options),
    reload: options.reloadCommand ?? reload,
    probes,
    ...(unprobed.length > 0 && { unprobed }),
  };
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
    "<IfModule !mpm_event_module>",
    `  LoadModule mpm_event_module ${modules}`,
    "</IfModule>",
    `Include "${configurationFile}"`,
  ];
  return { [`${currentFolder(options)}/${checkFile}`]: `${lines.join("\n")}\n` };
}

/** What a person would run after the files are in place. */
export function apacheApply({ checkCommand, reloadCommand }: ApacheOptions): readonly string[] {
  return [checkCommand ?? "apache2ctl configtest", reloadCommand ?? "systemctl reload apache2"];
}

/**
 * `configtest` opens no sockets, and a graceful restart that can't open one ends the server: so the addresses of all
 * `Listen` lines are compared beforehand, as mod_info tells them.
 */
function checkInstalled({ configFile, modulesDirectory }: ApacheOptions): string {
  return [
    "apache2ctl configtest &&",
    `{ tls_gateway_dump=$(apache2ctl -t -D DUMP_CONFIG -C 'LoadModule info_module ${modulesDirectory}/mod_info.so' 2>/dev/null) || tls_gateway_dump=; } &&`,
    `{ [ -z "$tls_gateway_dump" ] || printf '%s\\n' "$tls_gateway_dump" | awk '`,
    `  /^# In file: / { if ($4 == "${configFile}") read = 1 }`,
    '  tolower($1) == "listen" {',
    '    port = $2; sub(/^.*:/, "", port); host = $2',
    "    if (host == port || host ~ /^\\*:/) all[port] = 1",
    "    else if (host ~ /^\\[::\\]:/) { if (port in six) twice(port); six[port] = 1 }",
    "    else if (host ~ /^0\\.0\\.0\\.0:/) four[port] = 1",
    "    else if (host ~ /^\\[/) one6[port] = host",
    "    else one4[port] = host",
    "  }",
    '  function twice(port) { print "Two Listen lines of Apache take port " port ": leave one of them away" > "/dev/stderr"; bad = 1 }',
    "  END {",
    "    for (port in all) if (port in six || port in one4 || port in one6) twice(port)",
    "    for (port in six) if (port in one4 || port in one6) twice(port)",
    "    for (port in four) if (port in one4) twice(port)",
    `    if (!read) { print "Apache does not read ${configFile}: its configuration must include it" > "/dev/stderr"; bad = 1 }`,
    "    exit bad",
    "  }'; }",
  ].join("\n");
}

/** A graceful restart leaves requests under way to the old processes. */
const reload = [
  "if [ -d /run/systemd/system ]; then systemctl reload-or-restart apache2",
  "else apache2ctl graceful; fi",
].join("\n");
