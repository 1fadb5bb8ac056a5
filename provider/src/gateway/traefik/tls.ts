import { isTlsSite, type SiteData, type TlsProfile } from "../model/site";
import { tlsProfileFigures } from "../model/tls-profiles";
import { certificateFiles, clientCaFile } from "../proxy/files";
import type { EntryPoint, TraefikValue } from "./names";
import { traefikName } from "./names";
import type { TraefikOptions } from "./options";

/** OpenSSL's names of suites in Go, which has no choice among those of TLS 1.3. */
const suiteNames: Readonly<Record<string, string>> = {
  "ECDHE-ECDSA-AES128-GCM-SHA256": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "ECDHE-RSA-CHACHA20-POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
};

/** OpenSSL's names of groups in Traefik. */
const groupNames: Readonly<Record<string, string>> = { prime256v1: "secp256r1" };

/** The TLS options of one name of a site; without a name, of all others of the entry point. */
export function tlsOptionsName(point: EntryPoint, name: string | undefined): string {
  return `${point.name}-${name === undefined ? "any" : traefikName(name)}`;
}

/**
 * `tls.options`: each name has its own, since Traefik refuses with 421 what asks for a host of other options than those of
 * the handshake. "default" is what a handshake for an unknown name gets, and refuses it.
 */
export function tlsOptions(points: readonly EntryPoint[], options: TraefikOptions): TraefikValue {
  const found = new Map<string, TraefikValue>([["default", profileOptions("intermediate", true)]]);
  for (const point of points.filter(({ listener }) => listener.isTls)) {
    const { sites, tlsProfile } = point.listener;
    for (const { site, names } of sites) {
      const caFile = clientCaFile(site, options);
      const own = {
        ...profileOptions(tlsProfile, names.length > 0),
        ...(caFile !== undefined && {
          clientAuth: { caFiles: [caFile], clientAuthType: "RequireAndVerifyClientCert" },
        }),
      };
      for (const name of names.length === 0 ? [undefined] : names) found.set(tlsOptionsName(point, name), own);
    }
  }
  return Object.fromEntries(found);
}

/** The certificates of all sites, each once: Traefik chooses among them by their names. */
export function tlsCertificates(sites: readonly SiteData[], options: TraefikOptions): readonly TraefikValue[] {
  const found = new Map<string, TraefikValue>();
  for (const site of sites) {
    const files = certificateFiles(site, options, "pair");
    if (files !== undefined) found.set(`${files.certFile} ${files.keyFile}`, { ...files });
  }
  return [...found.values()];
}

/** What a handshake gets that no certificate's name fits: the certificate of the site that answers every name. */
export function tlsStores(points: readonly EntryPoint[], options: TraefikOptions): TraefikValue {
  const [nameless] = namelessSites(points);
  const files = nameless && certificateFiles(nameless, options, "pair");
  return files === undefined ? {} : { stores: { default: { defaultCertificate: { ...files } } } };
}

/** The sites with TLS that answer every name of their listener. */
export function namelessSites(points: readonly EntryPoint[]): readonly SiteData[] {
  return points.flatMap(({ listener }) =>
    listener.sites.filter(({ site, names }) => isTlsSite(site) && names.length === 0).map(({ site }) => site),
  );
}

function profileOptions(profile: TlsProfile, isStrict: boolean): TraefikValue {
  const { protocols, ciphers, groups } = tlsProfileFigures[profile];
  return {
    minVersion: protocols.includes("TLSv1.2") ? "VersionTLS12" : "VersionTLS13",
    ...(ciphers.length > 0 && { cipherSuites: ciphers.map((cipher) => suiteNames[cipher] ?? cipher) }),
    curvePreferences: groups.map((group) => groupNames[group] ?? group),
    alpnProtocols: ["h2", "http/1.1"],
    disableSessionTickets: true,
    ...(isStrict && { sniStrict: true }),
  };
}
