import type { Listener } from "../proxy/listeners";

/** A value of Traefik's configuration, with the names of its fields. */
export type TraefikValue = Readonly<Record<string, unknown>>;

/** Where Traefik listens. Go binds `0.0.0.0` and `::` alike to both families, so the two are one. */
export interface EntryPoint {
  readonly name: string;
  /** As Traefik takes it: no host is all addresses. */
  readonly address: string;
  readonly listener: Listener;
}

/** The entry points of these listeners; expects that those of all addresses of a port have the same sites. */
export function entryPointsOf(listeners: readonly Listener[]): readonly EntryPoint[] {
  const points = new Map<string, EntryPoint>();
  for (const listener of listeners) {
    const { address, port } = listener;
    const isAll = isAllAddresses(listener);
    const host = isAll ? "" : address.includes(":") ? `[${address}]` : address;
    const name = isAll ? `port-${port}` : `port-${port}-${address.replace(/[.:]/g, "-")}`;
    if (!points.has(name)) points.set(name, { name, address: `${host}:${port}`, listener });
  }
  return [...points.values()];
}

/** Whether the listener takes every address of its family. */
export function isAllAddresses({ address }: Pick<Listener, "address">): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * A name of a site or a host as part of the name of a router or the like, where `@` and `.` would mean something.
 * Injective: what is no plain sign becomes its octets in hex between two `=`.
 */
export function traefikName(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (sign) => `=${Buffer.from(sign, "utf8").toString("hex")}=`);
}

/**
 * Block YAML in which every key and text is JSON, which YAML 1.2 takes in double quotes; the library needs three times as
 * long for 10,000 sites. Braces can't come in: Traefik would run them as a template.
 */
export function renderYaml(value: TraefikValue): string {
  const lines: string[] = [];
  addBlock(lines, value, "");
  return `${lines.join("\n")}\n`;
}

function addBlock(lines: string[], block: object, indent: string): void {
  for (const [key, value] of Object.entries(block)) {
    const start = `${indent}${Array.isArray(block) ? "-" : `${JSON.stringify(key)}:`}`;
    if (typeof value !== "object" || value === null) {
      lines.push(`${start} ${JSON.stringify(value)}`);
    } else if (Object.keys(value).length === 0) {
      lines.push(`${start} ${Array.isArray(value) ? "[]" : "{}"}`);
    } else {
      lines.push(start);
      addBlock(lines, value, `${indent}  `);
    }
  }
}
