import type { GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { currentFolder } from "../proxy/files";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { apacheDialect } from "./dialect";
import type { ApacheOptions } from "./options";

/** Name of the configuration within a set, and of one that does nothing but read it, to judge a set. */
const configurationFile = "apache.conf";
const checkFile = "apache-check.conf";
const trialFile = "apache-trial.conf";

/** Where Apache listens while a set is judged: an address of the block of inner hosts. */
const TRIAL_ADDRESS = "127.127.127.127";

/** How Apache takes the configuration over. */
export function apacheInstall(sites: readonly SiteData[], options: ApacheOptions): GatewayInstall {
  return proxyInstall(listenersOf(sites, options), options, "pair", {
    configurationFile,
    entries: [{ path: options.configFile, file: configurationFile, how: "link" }],
    check,
    checkInstalled: checkInstalled(options),
    reload: reload(options),
  });
}

/**
 * `-t` loads no keys, and a graceful restart with a pair that does not match ends the server. So Apache is started on the
 * set for a moment, with one socket of its own in place of all others, and stopped.
 */
const check = [
  `apache2 -t -d "$set/check" -f "$set/check/${checkFile}" &&`,
  `sed '/^Listen /d' "$set/check/${configurationFile}" >"$set/check/${trialFile}" &&`,
  `apache2 -d "$set/check" -f "$set/check/${checkFile}" -D tls_gateway_trial -k start && (`,
  // Apache makes the file when it serves, and takes it away when it has ended
  "  await() {",
  "    tries=0",
  '    until [ "$tries" -ge 100 ] || [ "$@" "$set/check/apache-check.pid" ]; do',
  "      tries=$((tries + 1))",
  "      sleep 0.1 2>/dev/null || sleep 1",
  "    done",
  "  }",
  "  await -s",
  `  apache2 -d "$set/check" -f "$set/check/${checkFile}" -D tls_gateway_trial -k stop && await ! -e`,
  ")",
].join("\n");

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
    `  Include "${configurationFile}"`,
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
    `  Include "${trialFile}"`,
    "</IfDefine>",
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
    `{ [ -z "$tls_gateway_dump" ] || printf '%s\\n' "$tls_gateway_dump" | awk -v "there=$(ls '${configFile}' 2>/dev/null)" '`,
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
    `    if (there != "" && !read) { print "Apache does not read ${configFile}: its configuration must include it" > "/dev/stderr"; bad = 1 }`,
    "    exit bad",
    "  }'; }",
  ].join("\n");
}

/**
 * A graceful restart leaves requests under way to the old processes, and answers 0 whatever the server then does: where it
 * can't open a socket it ends. It has done it when the first process has children that it had not before (Linux says so in
 * /proc); where that can't be seen nothing is said.
 */
function reload({ pidFile }: ApacheOptions): string {
  return [
    "(",
    `  master=$(cat '${pidFile}' 2>/dev/null) || master=none`,
    '  children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }',
    // a process that has ended, and that nobody has asked after, has no command line
    `  lives() { [ -n "$(tr -d '\\0' 2>/dev/null <"/proc/$1/cmdline")" ]; }`,
    '  before=" $(children "$master") "',
    "  if [ -d /run/systemd/system ]; then systemctl reload-or-restart apache2",
    '  elif [ -d /proc/self ] && ! lives "$master" 2>/dev/null; then',
    `    rm -f '${pidFile}' && apache2ctl start`,
    "  else apache2ctl graceful; fi || exit 1",
    '  [ "$before" != "  " ] || exit 0',
    "  tries=0",
    '  while lives "$master" 2>/dev/null && [ "$tries" -lt 100 ]; do',
    `    [ "$(cat '${pidFile}' 2>/dev/null)" = "$master" ] || exit 0`,
    '    for child in $(children "$master"); do',
    '      case $before in *" $child "*) ;; *) exit 0 ;; esac',
    "    done",
    "    tries=$((tries + 1))",
    "    sleep 0.1 2>/dev/null || sleep 1",
    "  done",
    // started anew by systemd
    `  again=$(cat '${pidFile}' 2>/dev/null) && [ "$again" != "$master" ] && lives "$again" 2>/dev/null && exit 0`,
    "  echo 'Apache did not take the configuration over, or has ended: its error log says why' >&2",
    "  exit 1",
    ")",
  ].join("\n");
}
