import { createHash } from "node:crypto";
import type { GatewayFile } from "../model/kind";
import { privateMode } from "../model/readers";
import { type SiteData, selfSignedHostnames } from "../model/site";
import { certificatePaths } from "./document";
import type { CellsOptions } from "./options";

/** Read by everybody: certificates are public, and a proxy on the machine may have to read the root. */
const PUBLIC_MODE = "0644";

/**
 * The files that must lie on the machine, each path once, sorted by path: chain and key of referenced certificates, and
 * for self-signed sites with a CA the root and the leaf that Cells would otherwise make, under the names that it looks
 * for. The root's key is left out on purpose: Cells then can't issue certificates from it. Sites with the same
 * self-signed names share one leaf, that of the first site by name.
 */
export function cellsFiles(sites: readonly SiteData[], options: CellsOptions): readonly GatewayFile[] {
  const files = new Map<string, GatewayFile>();
  for (const file of sites.flatMap((site) => siteFiles(site, options))) {
    if (!files.has(file.path)) files.set(file.path, file);
  }
  return [...files.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** The files of one site, also those that another site needs too. */
export function siteFiles(site: SiteData, options: CellsOptions): readonly GatewayFile[] {
  if (site.tls === "disabled") return [];
  if ("selfSigned" in site.tls) return selfSignedFiles(site, site.tls.selfSigned.ca, options);
  if (!("certificate" in site.tls) || !("name" in site.tls.certificate)) return [];
  const { name, root } = site.tls.certificate;
  const { certFile, keyFile, rootFile } = certificatePaths(name, options);
  const of = "certificate" as const;
  const files: GatewayFile[] = [
    {
      path: certFile,
      mode: PUBLIC_MODE,
      source: { of, name, part: "fullChainPem" },
      purpose: `certificate "${name}" with its intermediates`,
    },
    {
      path: keyFile,
      mode: privateMode(options),
      source: { of, name, part: "privateKeyPem" },
      purpose: `key of certificate "${name}"`,
    },
  ];
  if (root !== true) return files;
  const purpose = `root that clients of certificate "${name}" must trust; Cells does not read it`;
  return [...files, { path: rootFile, mode: PUBLIC_MODE, source: { of, name, part: "issuerPem" }, purpose }];
}

/**
 * The name, without ending, of the file in which Cells looks for the self-signed leaf of these names: the MD5 of the
 * sorted names joined by "##" (a file name of Cells, nothing secret).
 */
function cellsLeafStem(hostnames: readonly string[]): string {
  return createHash("md5")
    .update([...hostnames].sort().join("##"))
    .digest("hex");
}

/** Cells looks for these in its own store, wherever other certificates are placed. */
function selfSignedFiles(site: SiteData, ca: string | undefined, options: CellsOptions): readonly GatewayFile[] {
  const hostnames = selfSignedHostnames(site);
  if (ca === undefined || hostnames.length === 0) return [];
  const store = `${options.workingDirectory}/certs`;
  const stem = `${store}/${cellsLeafStem(hostnames)}`;
  const leaf = { of: "leaf", name: site.name } as const;
  const names = hostnames.join(", ");
  return [
    {
      path: `${store}/rootCA.pem`,
      mode: PUBLIC_MODE,
      source: { of: "ca", name: ca, part: "certPem" },
      purpose: `root of CA "${ca}", for the proxy or the clients to trust`,
    },
    {
      path: `${stem}.pem`,
      mode: PUBLIC_MODE,
      source: { ...leaf, part: "certPem" },
      purpose: `self-signed certificate of ${names}`,
    },
    {
      path: `${stem}-key.pem`,
      mode: privateMode(options),
      source: { ...leaf, part: "privateKeyPem" },
      purpose: `key of the self-signed certificate of ${names}`,
    },
  ];
}
