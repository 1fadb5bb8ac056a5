import { ALL_ADDRESSES, readBind } from "../model/bind";
import type { FirewallPort, GatewayCommands } from "../model/kind";
import { isTlsSite, type SiteData } from "../model/site";
import { shellQuoted } from "../syntax/shell";
import { type CellsOptions, grpcPortOf } from "./options";

/**
 * The ports to open, sorted, each once with every reason: the sites' own, 80 where a redirect or Let's Encrypt needs it,
 * and that of the separate clear gRPC service. All TCP; Cells' internal ports (8001 gRPC, 8002 discovery) stay closed.
 */
export function cellsFirewallPorts(sites: readonly SiteData[], options: CellsOptions): readonly FirewallPort[] {
  const ports = new Map<number, Map<string, Set<string>>>();
  const need = (port: number, reason: string, site: string): void => {
    const reasons = ports.get(port) ?? new Map<string, Set<string>>();
    ports.set(port, reasons.set(reason, (reasons.get(reason) ?? new Set()).add(site)));
  };
  const grpcPort = grpcPortOf(sites, options);
  for (const site of sites) {
    for (const bind of site.binds) {
      const protocol = isTlsSite(site) ? "HTTPS and gRPC" : grpcPort === undefined ? "HTTP and gRPC" : "HTTP";
      need(readBind(bind).port, `${protocol} of the sites`, site.name);
    }
    if (site.redirectToHttps === true) need(80, "redirect from HTTP to HTTPS", site.name);
    if (site.tls !== "disabled" && "letsEncrypt" in site.tls)
      need(80, "http-01 challenges of Let's Encrypt", site.name);
    if (grpcPort !== undefined && !isTlsSite(site)) {
      need(grpcPort, "gRPC of sites without TLS, for CellsSync (CELLS_GRPC_EXTERNAL)", site.name);
    }
  }
  return [...ports]
    .sort(([one], [other]) => one - other)
    .map(([port, reasons]) => ({
      port,
      protocol: "tcp",
      reason: [...reasons.keys()].join("; "),
      sites: [...new Set([...reasons.values()].flatMap((names) => [...names]))].sort(),
    }));
}

/**
 * The commands that hand the configuration over. Cells reads its sites and certificates at start only, so they stop it,
 * merge `defaults.sites` into `pydio.json` with jq as the owner of the working directory (owner and mode stay), and start
 * it. They expect the configuration in `tls-gateway-sites.json` and the install file in `tls-gateway-install.yaml` of the
 * working directory, and a systemd unit called `cells`. Not for a configuration in etcd or Vault.
 */
export function cellsCommands(_sites: readonly SiteData[], options: CellsOptions): GatewayCommands {
  const directory = options.workingDirectory;
  const config = `${directory}/pydio.json`;
  const [backup, next] = [`${config}.before-tls-gateway`, `${config}.next`];
  const merge = [
    `cp -p ${config} ${backup}`,
    // the old text stays until the new one is whole; it may hold secrets, so nobody else reads the copy
    `(umask 077 && jq -s ".[0] * .[1]" ${backup} ${directory}/tls-gateway-sites.json > ${next})`,
    `test -s ${next} && cat ${next} > ${config} && rm ${next}`,
  ];
  return {
    apply: [
      "systemctl stop cells",
      // by the owner of the folder, who could lead root to any file by a link
      `su -s /bin/sh "$(stat -c %U ${directory})" -c ${shellQuoted(merge.join(" && "))}`,
      "systemctl start cells",
    ],
    install: [`CELLS_WORKING_DIR=${directory} cells configure --yaml ${directory}/tls-gateway-install.yaml`],
  };
}

/** What Cells does with these sites that may surprise. */
export function cellsNotes(sites: readonly SiteData[], options: CellsOptions): readonly string[] {
  const notes: string[] = [];
  const urls = sites.filter((site) => site.externalUrl !== undefined);
  if (urls.length > 1) {
    notes.push(
      `Cells takes the first external URL, ${urls[0]?.externalUrl} of site "${urls[0]?.name}", as its default.`,
    );
  }
  for (const site of sites) {
    for (const bind of site.binds.map(readBind)) {
      if (/^[\d.]+$/.test(bind.host) && bind.host !== ALL_ADDRESSES) {
        notes.push(
          `Site "${site.name}": the bind ${bind.host}:${bind.port} does not restrict the interface: Cells listens on every ` +
            `address and answers requests for that host; use the firewall to restrict it.`,
        );
      }
      if (bind.port === 8001 || bind.port === 8002) {
        notes.push(
          `Site "${site.name}": port ${bind.port} is one that Cells uses internally unless it is told another.`,
        );
      }
    }
  }
  const grpcPort = sites.find((site) => site.grpcPort !== undefined);
  if (grpcPort !== undefined && grpcPortOf(sites, options) === undefined) {
    const why = options.version === "5" ? "Cells 5 has no separate gRPC port" : "every site has TLS";
    notes.push(`Site "${grpcPort.name}": grpcPort is not used, since ${why}.`);
  }
  if (sites.some((site) => site.routing !== undefined || site.headers !== undefined)) {
    notes.push(
      "Routing and headers in the install file are not proved on a running Cells: merge the JSON after installing.",
    );
  }
  return notes;
}
