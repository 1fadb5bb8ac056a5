import { answeredNames, isTlsSite, type SiteData, selfSignedHostnames } from "../model/site";
import { tlsProfileFigures } from "../model/tls-profiles";
import { certificateFiles, clientCaFile, fileName } from "../proxy/files";
import type { Listener, ListenerSite } from "../proxy/listeners";
import type { JsonObject } from "./json";
import type { CaddyOptions } from "./options";

/** Caddy keeps 10,000 certificates by itself, and forgets one at random for each that is more. */
const CERTIFICATES_KEPT = 5000;

const LETS_ENCRYPT_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

/** How Caddy spells the groups; X25519MLKEM768 since 2.10. */
const groupNames: Readonly<Record<string, string>> = {
  X25519MLKEM768: "x25519mlkem768",
  X25519: "x25519",
  prime256v1: "secp256r1",
  secp384r1: "secp384r1",
};

/**
 * What is offered in a handshake, by the name that the client asks for: exact names before wildcards, and a site without
 * names last. No name fits: Caddy refuses the handshake.
 */
export function connectionPolicies(listener: Listener, options: CaddyOptions): readonly JsonObject[] {
  const isWildcard = (name: string): boolean => name.startsWith("*.");
  const part = (keep: (name: string) => boolean): readonly JsonObject[] =>
    listener.sites.flatMap((entry) => {
      const names = entry.names.filter(keep);
      return names.length === 0 ? [] : [connectionPolicy(listener, entry, names, options)];
    });
  const open = listener.sites.filter(({ names }) => names.length === 0);
  return [
    ...part((name) => !isWildcard(name)),
    ...part(isWildcard),
    ...open.map((entry) => connectionPolicy(listener, entry, [], options)),
  ];
}

function connectionPolicy(
  { tlsProfile }: Listener,
  { site }: ListenerSite,
  names: readonly string[],
  options: CaddyOptions,
): JsonObject {
  const { protocols, ciphers, groups } = tlsProfileFigures[tlsProfile];
  const offered = groups.filter((group) => options.version !== "2.6" || group !== "X25519MLKEM768");
  const clients = clientCaFile(site, options);
  return {
    ...(names.length > 0 && { match: { sni: names } }),
    ...(certificateFiles(site, options, "pair") !== undefined && {
      certificate_selection: { any_tag: [fileName(site.name)] },
    }),
    alpn: ["h2", "http/1.1"],
    protocol_min: protocols.includes("TLSv1.2") ? "tls1.2" : "tls1.3",
    ...(ciphers.length > 0 && { cipher_suites: ciphers.map(cipherName) }),
    curves: offered.map((group) => groupNames[group] ?? group.toLowerCase()),
    ...(clients !== undefined && { client_authentication: clientAuthentication(clients, options) }),
  };
}

/** IANA's name of a suite of TLS 1.2 from OpenSSL's. */
function cipherName(openssl: string): string {
  const [, key = "", cipher = ""] = /^ECDHE-(ECDSA|RSA)-(.*)$/.exec(openssl) ?? [];
  const spelt = cipher
    .replace(/^AES(\d+)-GCM/, "AES_$1_GCM")
    .replace(/^CHACHA20-POLY1305$/, "CHACHA20_POLY1305_SHA256");
  return `TLS_ECDHE_${key}_WITH_${spelt.replaceAll("-", "_")}`;
}

function clientAuthentication(file: string, { version }: CaddyOptions): JsonObject {
  const authorities =
    version === "2.6" ? { trusted_ca_certs_pem_files: [file] } : { ca: { provider: "file", pem_files: [file] } };
  return { ...authorities, mode: "require_and_verify" };
}

/** The certificates of all sites: files, and what Caddy gets by itself. Undefined when no site has TLS. */
export function tlsApp(sites: readonly SiteData[], options: CaddyOptions): JsonObject | undefined {
  if (!sites.some(isTlsSite)) return undefined;
  const files = loadedFiles(sites, options);
  const policies = automationPolicies(sites);
  const names = policies.flatMap(({ subjects }) => subjects).sort();
  const count = files.length + names.length;
  return {
    certificates: { ...(files.length > 0 && { load_files: files }), ...(names.length > 0 && { automate: names }) },
    ...(policies.length > 0 && { automation: { policies } }),
    // a session of one site must not be taken up at another
    session_tickets: { disabled: true },
    ...(count > CERTIFICATES_KEPT && { cache: { capacity: 4 * count } }),
    disable_ocsp_stapling: true,
  };
}

function loadedFiles(sites: readonly SiteData[], options: CaddyOptions): readonly JsonObject[] {
  const files = new Map<string, { certificate: string; key: string; tags: string[] }>();
  for (const site of sites) {
    const paths = certificateFiles(site, options, "pair");
    if (paths === undefined) continue;
    const id = JSON.stringify([paths.certFile, paths.keyFile]);
    const entry = files.get(id) ?? { certificate: paths.certFile, key: paths.keyFile, tags: [] };
    files.set(id, entry);
    // braces in a tag would be placeholders here, and themselves in a policy
    entry.tags.push(fileName(site.name));
  }
  return [...files.values()];
}

/** Who gets the certificate of a name, where Caddy gets it by itself: the same text, the same master. */
export function automationOf(site: SiteData): { names: readonly string[]; issuer: JsonObject } | undefined {
  if (site.tls === "disabled") return undefined;
  if ("letsEncrypt" in site.tls) {
    const { email, staging } = site.tls.letsEncrypt;
    const ca = staging === true ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT_DIRECTORY;
    return { names: answeredNames(site), issuer: { module: "acme", ca, email } };
  }
  if (!("selfSigned" in site.tls) || site.tls.selfSigned.ca !== undefined) return undefined;
  return { names: selfSignedHostnames(site), issuer: { module: "internal" } };
}

function automationPolicies(
  sites: readonly SiteData[],
): readonly (JsonObject & { readonly subjects: readonly string[] })[] {
  const policies = new Map<string, { issuer: JsonObject; subjects: Set<string> }>();
  for (const site of sites) {
    const automation = automationOf(site);
    if (automation === undefined) continue;
    const id = JSON.stringify(automation.issuer);
    const policy = policies.get(id) ?? { issuer: automation.issuer, subjects: new Set() };
    policies.set(id, policy);
    for (const name of automation.names) policy.subjects.add(name);
  }
  return [...policies.values()].map(({ issuer, subjects }) => ({
    subjects: [...subjects].sort(),
    issuers: [issuer],
    disable_ocsp_stapling: true,
  }));
}
