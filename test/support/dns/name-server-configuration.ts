// Guards: name servers that leave their folder, listen beyond loopback or ask the internet. The zone files and settings of
// BIND and Knot, as text.
import { join } from "node:path";

/** A zone, as its file has it. */
export interface NameZone {
  readonly name: string;
  /** Lines of a zone file (RFC 1035 section 5) after the SOA, relative to the zone: `ns1 A 127.0.0.1`. */
  readonly lines: readonly string[];
}

/** Where a server listens, UDP and TCP. */
export interface NameServerPlace {
  readonly address: string;
  readonly port: number;
}

/** Who may change records: a TSIG key (RFC 8945), its secret in base64. */
export interface UpdateKey {
  readonly name: string;
  readonly secret: string;
}

/** What one server is to do. */
export interface NameServerSetting extends NameServerPlace {
  readonly folder: string;
  readonly key: UpdateKey;
  /** Names of the zones whose files lie in the folder. */
  readonly zones: readonly string[];
  /** Zones that are copied from another server. */
  readonly copied: readonly string[];
  readonly primary: NameServerPlace | undefined;
}

/** A resolver that has asked too early knows for so many seconds that there is nothing (RFC 2308), as most do. */
const negativeSeconds = 300;

export function renderZoneFile(zone: NameZone): string {
  const soa = `@ SOA ns hostmaster 1 3600 600 86400 ${negativeSeconds}`;
  return `$ORIGIN ${zone.name}.\n$TTL 60\n${[soa, ...zone.lines].join("\n")}\n`;
}

/** As BIND's configuration and nsupdate's `-k` take it. */
export function renderKeyFile({ name, secret }: UpdateKey): string {
  return `key "${name}" { algorithm hmac-sha256; secret "${secret}"; };\n`;
}

/** BIND without a channel for rndc and without a file outside of its folder. */
export function renderBind(setting: NameServerSetting): string {
  const { folder, key, zones, copied, primary } = setting;
  const own = zones.map(
    (zone) =>
      `zone "${zone}" { type primary; file "${zone}.zone"; update-policy { grant "${key.name}" zonesub ANY; }; };`,
  );
  const from = primary === undefined ? "" : `${primary.address} port ${primary.port};`;
  const copies = copied.map(
    (zone) => `zone "${zone}" { type secondary; file "${zone}.copy"; primaries { ${from} }; };`,
  );
  return `include "${join(folder, "key")}";
controls { };
options {
${bindOptions(setting)}
  recursion no; allow-transfer { any; }; allow-notify { any; }; notify no;
};
${[...own, ...copies].join("\n")}
`;
}

/** A resolver that finds each zone at its server, since nobody but root may listen on port 53 and be found by delegation. */
export function renderResolver(
  setting: NameServerPlace & { readonly folder: string },
  zones: ReadonlyMap<string, NameServerPlace>,
): string {
  const forwarders = [...zones].map(
    ([zone, { address, port }]) =>
      `zone "${zone}" { type forward; forward only; forwarders { ${address} port ${port}; }; };`,
  );
  // what is no zone of ours is asked here, at a port where nobody answers, and not in the internet
  const nowhere = "forward only; forwarders { 127.0.0.1 port 9; };";
  return `controls { };
options {
${bindOptions(setting)}
  recursion yes; allow-recursion { any; }; ${nowhere}
};
${forwarders.join("\n")}
`;
}

function bindOptions({ folder, address, port }: NameServerPlace & { readonly folder: string }): string {
  return `  directory "${folder}"; pid-file none; session-keyfile none; lock-file none;
  listen-on port ${port} { ${address}; }; listen-on-v6 { none; };
  allow-query { any; }; dnssec-validation no;`;
}

/** Knot with the smallest databases that it takes; it does not make their folder, `database`. */
export function renderKnot(setting: NameServerSetting): string {
  const { folder, address, port, key, zones, copied, primary } = setting;
  const remote = primary === undefined ? "" : `  - id: primary\n    address: ${primary.address}@${primary.port}\n`;
  return `server:
  rundir: ${folder}
  listen: ${address}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: ${join(folder, "database")}
  journal-db-max-size: 10M
  kasp-db-max-size: 5M
  timer-db-max-size: 1M
  catalog-db-max-size: 5M
key:
  - id: ${key.name}
    algorithm: hmac-sha256
    secret: ${key.secret}
${remote === "" ? "" : `remote:\n${remote}`}acl:
  - id: update
    key: ${key.name}
    action: update
  - id: copy
    address: 127.0.0.0/8
    action: [transfer, notify]
template:
  - id: default
    storage: ${folder}
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference
    acl: [update, copy]
zone:
${zones.map((zone) => `  - domain: ${zone}\n`).join("")}${copied
  .map((zone) => `  - domain: ${zone}\n    file: "%s.copy"\n    master: primary\n`)
  .join("")}`;
}
