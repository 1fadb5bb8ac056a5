import type { SiteData } from "../model/site";
import { certificateFiles, clientCaFile, currentFolder, fileName, upstreamRootFile } from "../proxy/files";
import { type EnvoyMessage, fileSource, renderResponse, typed } from "./message";
import type { EnvoyOptions } from "./options";

/** What Envoy reads from files and watches: a certificate with its key, or roots. */
export interface EnvoySecret {
  /** Name of the secret, and its file below `sds/` without the ending. */
  readonly name: string;
  readonly message: EnvoyMessage;
}

/**
 * The certificate of a site with TLS as a secret, so that a new one is taken up without a new listener. Sites with the
 * same certificate share it.
 */
export function certificateSecret(site: SiteData, options: EnvoyOptions): EnvoySecret | undefined {
  const files = certificateFiles(site, options, "pair");
  if (files === undefined) return undefined;
  const placed = `${currentFolder(options)}/certs/`;
  const isPlaced = files.certFile.startsWith(placed);
  const name = isPlaced
    ? `certs/${files.certFile.slice(placed.length).replace(/\.pem$/, "")}`
    : `files/${fileName(site.name)}`;
  const message = {
    name,
    tls_certificate: {
      certificate_chain: { filename: files.certFile },
      private_key: { filename: files.keyFile },
      // of files that somebody else places, Envoy watches the folder
      ...(isPlaced && { watched_directory: { path: options.directory } }),
    },
  };
  return { name, message };
}

/** The authorities of a site's clients, where they are placed with the configuration. */
export function clientSecret(site: SiteData, options: EnvoyOptions): EnvoySecret | undefined {
  const path = clientCaFile(site, options);
  return site.clientAuth?.ca === true && path !== undefined ? rootSecret("clients", site, path, options) : undefined;
}

/** The root of a site's upstream, where it is placed with the configuration. */
export function upstreamSecret(site: SiteData, options: EnvoyOptions): EnvoySecret | undefined {
  const path = upstreamRootFile(site, options);
  return site.upstream?.rootCa === true && path !== undefined ? rootSecret("upstream", site, path, options) : undefined;
}

/** How a TLS context asks for a secret. */
export function secretReference({ name }: EnvoySecret, options: EnvoyOptions): EnvoyMessage {
  return { name, sds_config: fileSource(secretPath(name, options), options.directory) };
}

/** The files of all secrets: absolute path -> text. */
export function secretTexts(sites: readonly SiteData[], options: EnvoyOptions): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const secret of secretsOf(sites, options).values()) {
    texts[secretPath(secret.name, options)] = renderResponse([
      typed("envoy.extensions.transport_sockets.tls.v3.Secret", secret.message),
    ]);
  }
  return texts;
}

/** Every secret once, by name. */
export function secretsOf(sites: readonly SiteData[], options: EnvoyOptions): ReadonlyMap<string, EnvoySecret> {
  const secrets = new Map<string, EnvoySecret>();
  for (const site of sites) {
    for (const find of [certificateSecret, clientSecret, upstreamSecret]) {
      const secret = find(site, options);
      if (secret !== undefined) secrets.set(secret.name, secret);
    }
  }
  return secrets;
}

function rootSecret(of: "clients" | "upstream", site: SiteData, path: string, options: EnvoyOptions): EnvoySecret {
  const name = `roots/${fileName(site.name)}-${of}`;
  const context = { trusted_ca: { filename: path }, watched_directory: { path: options.directory } };
  return { name, message: { name, validation_context: context } };
}

function secretPath(name: string, options: EnvoyOptions): string {
  return `${currentFolder(options)}/sds/${name}.json`;
}
