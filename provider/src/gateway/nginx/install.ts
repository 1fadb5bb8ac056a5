import type { GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { currentFolder } from "../proxy/files";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { nginxDialect } from "./dialect";
import type { NginxOptions } from "./options";

/** Name of the configuration within a set, and of one that does nothing but read it, to judge a set. */
const configurationFile = "nginx.conf";
const checkFile = "nginx-check.conf";

/** Seconds until new workers are there, beyond what nginx takes to read all: half a minute with ten thousand sites. */
const RELOAD_SECONDS = 10;

/** How nginx takes the configuration over. */
export function nginxInstall(sites: readonly SiteData[], options: NginxOptions): GatewayInstall {
  return proxyInstall(listenersOf(sites, options), options, "pair", {
    configurationFile,
    entries: [{ path: options.configFile, file: configurationFile, how: "link" }],
    check: `nginx -t -q -c "$set/check/${checkFile}"`,
    checkInstalled: checkInstalled(options),
    reload: reload(options),
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
    `  include ${nginxDialect.quote(configurationFile)};`,
    "}",
  ];
  return { [`${currentFolder(options)}/${checkFile}`]: `${lines.join("\n")}\n` };
}

/** What a person would run after the files are in place. */
export function nginxApply({ checkCommand, reloadCommand }: NginxOptions): readonly string[] {
  return [checkCommand ?? "nginx -t", reloadCommand ?? "systemctl reload nginx"];
}

/**
 * `nginx -t` says nothing of a file that its configuration never includes; the dump of `-T` names each. Two lines are
 * found when all is well: the file's, and ours after nginx's exit status was 0.
 */
function checkInstalled({ configFile }: NginxOptions): string {
  const included = `# configuration file ${configFile}:`;
  const good = "# tls-gateway: nginx -T is well";
  return [
    `tls_gateway_found=$({ nginx -T -q && echo '${good}'; } | grep -cxF -e '${included}' -e '${good}')`,
    "case $tls_gateway_found in",
    "  0) false ;;",
    // after a removal there is nothing to read
    `  1) [ ! -e ${configFile} ] || { echo 'nginx does not read ${configFile}: its http block must include it' >&2; false; } ;;`,
    "esac",
  ].join("\n");
}

/**
 * A reload answers 0 whatever the server then does, for instance when a port is another program's. It has done it when new
 * workers are there, children of the same master, and the old ones take no more connections, which they tell by their
 * titles (Linux has both in /proc); where that can't be seen nothing is said.
 */
function reload({ pidFile }: NginxOptions): string {
  return [
    `tls_gateway_children() { cat "/proc/$1/task/$1/children" 2>/dev/null; }`,
    // whether an old worker may still take a connection
    "tls_gateway_accepts() {",
    "  for tls_gateway_child in $tls_gateway_before; do",
    `    case $(tr '\\000' ' ' <"/proc/$tls_gateway_child/cmdline" 2>/dev/null) in`,
    '      *"shutting down"*) ;; *"worker process"*) return 0 ;;',
    "    esac",
    "  done",
    "  return 1",
    "}",
    `tls_gateway_master=$(cat '${pidFile}' 2>/dev/null)`,
    `tls_gateway_before=" $(tls_gateway_children "\${tls_gateway_master:-none}") "`,
    "tls_gateway_told=$(date +%s)",
    "if [ -d /run/systemd/system ]; then systemctl reload-or-restart nginx; else nginx -s reload 2>/dev/null || nginx; fi &&",
    'if [ "$tls_gateway_before" != "  " ]; then',
    // who tells the server reads the whole configuration too, and takes as long as it will
    "  tls_gateway_took=$(($(date +%s) - tls_gateway_told))",
    "  tls_gateway_tries=0 tls_gateway_new=",
    `  while [ -z "$tls_gateway_new" ] && [ "$tls_gateway_tries" -lt $((10 * ${RELOAD_SECONDS} + 30 * tls_gateway_took)) ]; do`,
    `    [ "$(cat '${pidFile}' 2>/dev/null)" = "$tls_gateway_master" ] || tls_gateway_new=restarted`,
    '    for tls_gateway_child in $(tls_gateway_children "$tls_gateway_master"); do',
    '      case $tls_gateway_before in *" $tls_gateway_child "*) ;; *) tls_gateway_new=$tls_gateway_child ;; esac',
    "    done",
    '    if [ -n "$tls_gateway_new" ] && [ "$tls_gateway_new" != restarted ] && tls_gateway_accepts; then tls_gateway_new=; fi',
    "    tls_gateway_tries=$((tls_gateway_tries + 1))",
    '    [ -n "$tls_gateway_new" ] || sleep 0.1 2>/dev/null || { sleep 1; tls_gateway_tries=$((tls_gateway_tries + 9)); }',
    "  done",
    `  [ -n "$tls_gateway_new" ] || { echo 'nginx did not take the configuration over and goes on with the old one: its error log says why' >&2; false; }`,
    "fi",
  ].join("\n");
}
