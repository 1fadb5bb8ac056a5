import type { GatewayCommands, GatewayInstall } from "../model/kind";
import type { SiteData } from "../model/site";
import { effectiveUpstream } from "../model/upstream";
import { currentFolder } from "../proxy/files";
import { proxyInstall } from "../proxy/install";
import { listenersOf } from "../proxy/listeners";
import { shellFragment } from "../syntax/shell";
import { reloadSh } from "./embedded-scripts";
import type { CaddyOptions } from "./options";
import { automationOf } from "./tls";

const CONFIGURATION_FILE = "caddy.json";
/** Where Caddy's own packages, and Debian's, look by themselves: for a Caddyfile. */
const PACKAGED_FILE = "/etc/caddy/caddy.json";
const SERVICE_FILE = "caddy.service.conf";
const SERVICE_PATH = "/etc/systemd/system/caddy.service.d/tls-gateway.conf";

/** Further texts of the configuration: what makes the packaged service read JSON, unless `configFile` says who does. */
export function caddyTexts(options: CaddyOptions): Readonly<Record<string, string>> {
  if (options.configFile !== PACKAGED_FILE) return {};
  const run = `/usr/bin/caddy run --environ --config ${PACKAGED_FILE}`;
  const reload = `/usr/bin/caddy reload --config ${PACKAGED_FILE} --force --address ${options.admin}`;
  const lines = ["[Service]", "ExecStart=", `ExecStart=${run}`, "ExecReload=", `ExecReload=${reload}`];
  return { [`${currentFolder(options)}/${SERVICE_FILE}`]: `${lines.join("\n")}\n` };
}

/** How a set is judged, taken over and tried. */
export function caddyInstall(sites: readonly SiteData[], options: CaddyOptions): GatewayInstall {
  const own = sites.filter((site) => automationOf(site) !== undefined);
  const isPackaged = options.configFile === PACKAGED_FILE;
  return proxyInstall(listenersOf(sites, options), options, "pair", {
    configurationFile: CONFIGURATION_FILE,
    entries: [
      { path: options.configFile, file: CONFIGURATION_FILE, how: "link" },
      // a copy: whoever may write into the folder must not decide what systemd runs
      ...(isPackaged ? [{ path: SERVICE_PATH, file: SERVICE_FILE, how: "copy" as const }] : []),
    ],
    check: validate('"$set"/check/caddy.json'),
    reload: reloadCommand(options),
    unprobed: own.map(({ name }) => `Caddy gets the certificate of site "${name}" by itself, which takes its time.`),
  });
}

/** What a person runs by hand. */
export function caddyCommands(_sites: readonly SiteData[], options: CaddyOptions): GatewayCommands {
  const file = `${currentFolder(options)}/${CONFIGURATION_FILE}`;
  const reload = options.reloadCommand ?? `caddy reload --config ${file} --force --address ${options.admin}`;
  return {
    apply: [options.checkCommand ?? `caddy validate --config ${file}`, reload],
    install:
      options.configFile === PACKAGED_FILE
        ? ["systemctl daemon-reload", "systemctl enable caddy", "systemctl restart caddy"]
        : [`caddy start --config ${options.configFile}`],
  };
}

/** What Caddy does with these sites that may surprise. */
export function caddyNotes(sites: readonly SiteData[], options: CaddyOptions): readonly string[] {
  const own = sites.filter((site) => automationOf(site)?.issuer.module === "internal");
  const timed = sites.filter(({ timeouts }) => timeouts?.responseSeconds !== undefined);
  const behind = sites.filter(({ proxyProtocol }) => proxyProtocol !== undefined);
  const names = (some: readonly SiteData[]): string => some.map(({ name }) => `"${name}"`).join(", ");
  const notes: string[] = [];
  if (options.configFile === PACKAGED_FILE) {
    notes.push(
      `Caddy's service reads a Caddyfile by itself: ${SERVICE_PATH} has it read ${PACKAGED_FILE}. The Caddyfile is not used any more.`,
    );
  }
  if (own.length > 0) {
    notes.push(
      `Caddy makes the certificates of ${names(own)} by its own authority; clients need its root, which lies below its data: ` +
        "pki/authorities/local/root.crt, for the packages in /var/lib/caddy/.local/share/caddy.",
    );
  }
  if (behind.length > 0) {
    notes.push(
      `Caddy serves connections without a PROXY header too, on the ports of ${names(behind)}, by the address that they come from: let none but the load balancer reach them.`,
    );
  }
  if (timed.length > 0) {
    notes.push(`responseSeconds of ${names(timed)} counts until the answer begins; what comes then may take its time.`);
  }
  if (options.version === "2.6" && sites.some((site) => effectiveUpstream(site) !== undefined)) {
    notes.push('Caddy 2.6 closes WebSockets at each reload; later ones keep them with the option version: "2.11".');
  }
  return notes;
}

/** Reads the certificates too. In a folder of its own: Caddy would make an authority in the home of whoever runs it. */
function validate(file: string): string {
  return `data=$(mktemp -d) && { XDG_DATA_HOME=$data XDG_CONFIG_HOME=$data caddy validate --config ${file}; status=$?; rm -rf "$data"; [ $status -eq 0 ]; }`;
}

function reloadCommand({ configFile, admin }: CaddyOptions): string {
  return [
    `file=${configFile}`,
    // without our part the packaged service reads that
    ...(configFile === PACKAGED_FILE ? ['[ -e "$file" ] || file=/etc/caddy/Caddyfile'] : []),
    shellFragment(reloadSh, { admin }),
  ].join("\n");
}
