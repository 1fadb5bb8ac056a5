import { createHash } from "node:crypto";
import type { GatewayFile, HandshakeProbe } from "../model/kind";
import { privateMode } from "../model/readers";
import { isTlsSite, type SiteData } from "../model/site";
import { type Listener, renderAddress } from "./listeners";
import type { ProxyOptions } from "./options";

/** How a server takes a certificate and its key: two files, or one with both (HAProxy). */
export type CertificateLayout = "pair" | "single";

/** Read by everybody: certificates are public. */
const PUBLIC = "0644";

/** The folder that paths of the configuration go through: a link to the set in use. */
export function currentFolder({ directory }: Pick<ProxyOptions, "directory">): string {
  return `${directory}/current`;
}

/** Where a site's certificate and key lie: placed by us, or paths that were given. With "single" both are one. */
export function certificateFiles(
  site: SiteData,
  options: ProxyOptions,
  layout: CertificateLayout,
): { readonly certFile: string; readonly keyFile: string } | undefined {
  if (!isTlsSite(site) || site.tls === "disabled") return undefined;
  if ("certificate" in site.tls && "certFile" in site.tls.certificate) return site.tls.certificate;
  const stem = certificateStem(site);
  if (stem === undefined) return undefined;
  const certFile = `${currentFolder(options)}/certs/${stem}.pem`;
  return { certFile, keyFile: layout === "single" ? certFile : certFile.replace(/\.pem$/, "-key.pem") };
}

/** Path of the root that a site's upstream is verified by; undefined: those of the server's system. */
export function upstreamRootFile({ name, upstream }: SiteData, options: ProxyOptions): string | undefined {
  if (upstream?.rootCa === true) return `${currentFolder(options)}/roots/${fileName(name)}-upstream.pem`;
  return upstream?.rootCaFile;
}

/** Path of the certificates by which a site's clients are verified; undefined: they need none. */
export function clientCaFile({ name, clientAuth }: SiteData, options: ProxyOptions): string | undefined {
  if (clientAuth?.ca === true) return `${currentFolder(options)}/roots/${fileName(name)}-clients.pem`;
  return clientAuth?.caFile;
}

/** The files that these sites need beside the configuration, each path once, sorted by path. */
export function proxyFiles(
  sites: readonly SiteData[],
  options: ProxyOptions,
  layout: CertificateLayout,
): readonly GatewayFile[] {
  const files = new Map<string, GatewayFile>();
  for (const site of sites) {
    for (const file of siteFiles(site, options, layout)) if (!files.has(file.path)) files.set(file.path, file);
  }
  return [...files.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** A handshake for each name of each listener; a wildcard is tried by a name below it. */
export function proxyProbes(
  listeners: readonly Listener[],
  options: ProxyOptions,
  layout: CertificateLayout,
): { readonly probes: readonly HandshakeProbe[]; readonly unprobed: readonly string[] } {
  const probes: HandshakeProbe[] = [];
  const unprobed: string[] = [];
  for (const listener of listeners.filter(({ isTls }) => isTls)) {
    if (listener.proxyProtocol !== undefined) {
      unprobed.push(`${renderAddress(listener)} speaks the PROXY protocol, which openssl s_client does not.`);
      continue;
    }
    for (const { site, names } of listener.sites) {
      const certificate = certificateFiles(site, options, layout)?.certFile;
      if (certificate === undefined) continue;
      const address = { "0.0.0.0": "127.0.0.1", "::": "::1" }[listener.address] ?? listener.address;
      const servers =
        names.length === 0 ? [undefined] : names.map((name) => name.replace(/^\*\./, "tls-gateway-probe."));
      for (const serverName of servers) {
        probes.push({ address, port: listener.port, ...(serverName !== undefined && { serverName }), certificate });
      }
    }
  }
  return { probes, unprobed };
}

/** File systems take 255 octets, of which `-leaf-key.pem` and the like need some. */
const LONGEST_NAME = 200;

/**
 * A name as a file's: names of sites may hold any visible sign. What is no plain sign becomes `=` and its hex, and the
 * end of what gets too long its SHA-256, so two names never make one.
 */
export function fileName(name: string): string {
  const plain = name
    .replace(/[^A-Za-z0-9._@+-]/gu, (sign) => `=${Buffer.from(sign, "utf8").toString("hex")}=`)
    .replace(/^\./, "=2e=");
  if (plain.length <= LONGEST_NAME) return plain;
  return `${plain.slice(0, LONGEST_NAME - 66)}==${createHash("sha256").update(name).digest("hex")}`;
}

/** The certificate's file name without ending; undefined where the server gets the certificate by itself. */
function certificateStem({ name, tls }: SiteData): string | undefined {
  if (tls === "disabled" || "letsEncrypt" in tls) return undefined;
  if ("selfSigned" in tls) return tls.selfSigned.ca === undefined ? undefined : `${fileName(name)}-leaf`;
  if (!("name" in tls.certificate)) return undefined;
  const stem = fileName(tls.certificate.name);
  // else certificate "a-key" would be the key of "a", and "a-leaf" the leaf of site "a"
  return /-(key|leaf)$/.test(stem) ? `${stem}=` : stem;
}

function siteFiles(site: SiteData, options: ProxyOptions, layout: CertificateLayout): readonly GatewayFile[] {
  const files: GatewayFile[] = [];
  const source = certificateSource(site);
  const paths = certificateFiles(site, options, layout);
  if (source !== undefined && paths !== undefined) {
    const what =
      source.of === "leaf" ? `the self-signed certificate of site "${source.name}"` : `certificate "${source.name}"`;
    if (layout === "single") {
      const purpose = `${what} with its intermediates and its key`;
      files.push({
        path: paths.certFile,
        mode: privateMode(options),
        source: { ...source, part: "haproxyPem" },
        purpose,
      });
    } else {
      const purpose = `${what} with its intermediates`;
      files.push({ path: paths.certFile, mode: PUBLIC, source: { ...source, part: "fullChainPem" }, purpose });
      const key = `key of ${what}`;
      files.push({
        path: paths.keyFile,
        mode: privateMode(options),
        source: { ...source, part: "privateKeyPem" },
        purpose: key,
      });
    }
  }
  const root = upstreamRootFile(site, options);
  if (root !== undefined && site.upstream?.rootCa === true) {
    const purpose = `root that the upstream of site "${site.name}" is verified by`;
    files.push({ path: root, mode: PUBLIC, source: { of: "upstream", name: site.name, part: "caPem" }, purpose });
  }
  const clients = clientCaFile(site, options);
  if (clients !== undefined && site.clientAuth?.ca === true) {
    const purpose = `authorities of the clients of site "${site.name}"`;
    files.push({ path: clients, mode: PUBLIC, source: { of: "clientAuth", name: site.name, part: "caPem" }, purpose });
  }
  return files;
}

function certificateSource({ name, tls }: SiteData): { of: "certificate" | "leaf"; name: string } | undefined {
  if (tls === "disabled" || "letsEncrypt" in tls) return undefined;
  if ("selfSigned" in tls) return tls.selfSigned.ca === undefined ? undefined : { of: "leaf", name };
  return "name" in tls.certificate ? { of: "certificate", name: tls.certificate.name } : undefined;
}
