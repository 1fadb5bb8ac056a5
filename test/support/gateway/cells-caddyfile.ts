// Guards: what Cells makes of the JSON that we render. Cells can't be run in tests, but the Caddy inside it can: this
// derives the Caddyfile from the JSON by the rules that were read in Cells (binds, TLS, redirects, maintenance).
import { createHash } from "node:crypto";

interface CellsSite {
  readonly Binds: readonly string[];
  readonly SSLRedirect?: boolean;
  readonly TLSConfig?: {
    readonly Certificate?: { readonly CertFile: string; readonly KeyFile: string };
    readonly LetsEncrypt?: { readonly Email: string; readonly StagingCA?: boolean };
    readonly SelfSigned?: { readonly Hostnames?: readonly string[] };
  };
  readonly Maintenance?: boolean;
  readonly MaintenanceConditions?: readonly string[];
}

/** How a test that listens differs from a server: unprivileged ports, loopback only. */
export interface Sandbox {
  /** Stands for Caddy's port 80. */
  readonly httpPort: number;
  /** Stands for Caddy's port 443. */
  readonly httpsPort: number;
}

const certificateAuthorities = {
  production: "https://acme-v02.api.letsencrypt.org/directory",
  staging: "https://acme-staging-v02.api.letsencrypt.org/directory",
};

/** The Caddyfile for the JSON of `defaults/sites`; every site answers with its first bind as text. */
export function renderCaddyfile(configuration: string, store: string, sandbox?: Sandbox): string {
  const { sites } = (JSON.parse(configuration) as { defaults: { sites: readonly CellsSite[] } }).defaults;
  const global = ["auto_https disable_redirects", "admin off"];
  if (sandbox !== undefined) {
    global.push(`http_port ${sandbox.httpPort}`, `https_port ${sandbox.httpsPort}`, "default_bind 127.0.0.1");
  }
  return [block("", global), ...sites.flatMap((site) => renderSite(site, store, sandbox))].join("\n");
}

function renderSite(site: CellsSite, store: string, sandbox: Sandbox | undefined): string[] {
  const scheme = site.TLSConfig === undefined ? "http://" : "";
  const addresses = site.Binds.map((bind) => scheme + mapped(bind.replace("0.0.0.0", ""), sandbox));
  const lines = [block("route /*", [...maintenance(site), `respond "${site.Binds[0]}"`]), ...tls(site, store)];
  const blocks = [block(addresses.join(" "), lines)];
  if (site.SSLRedirect !== true) return blocks;
  for (const [from, to] of redirects(site, sandbox)) blocks.push(block(from, [`redir ${to}`]));
  return blocks;
}

function maintenance(site: CellsSite): string[] {
  if (site.Maintenance !== true) return [];
  return [
    block("@turned_away", [...(site.MaintenanceConditions ?? []), "not path /maintenance.html"]),
    "redir @turned_away /maintenance.html",
  ];
}

function tls({ Binds, TLSConfig }: CellsSite, store: string): string[] {
  if (TLSConfig?.SelfSigned !== undefined) {
    const names = TLSConfig.SelfSigned.Hostnames ?? Binds.map((bind) => bind.replace(/:\d+$/, ""));
    const stem = createHash("md5")
      .update([...names].sort().join("##"))
      .digest("hex");
    return [`tls "${store}/${stem}.pem" "${store}/${stem}-key.pem"`];
  }
  if (TLSConfig?.LetsEncrypt !== undefined) {
    const { Email, StagingCA } = TLSConfig.LetsEncrypt;
    return [block(`tls ${Email}`, [`ca ${certificateAuthorities[StagingCA === true ? "staging" : "production"]}`])];
  }
  if (TLSConfig?.Certificate === undefined) return [];
  return [`tls "${TLSConfig.Certificate.CertFile}" "${TLSConfig.Certificate.KeyFile}"`];
}

/** One address can redirect to one place only: of two binds with one host the later wins. */
function redirects(site: CellsSite, sandbox: Sandbox | undefined): ReadonlyMap<string, string> {
  const redirects = new Map<string, string>();
  for (const bind of site.Binds) {
    const [host = "", port = "", ...more] = bind.split(":");
    if (port === "80" && more.length === 0) continue;
    const isAll = host === "0.0.0.0";
    const from = more.length > 0 ? `http://${bind}` : isAll ? `http://:${sandbox?.httpPort ?? 80}` : `http://${host}`;
    const suffix = port === "443" || port === "" ? "" : `:${port}`;
    redirects.set(from, `https://${isAll ? "{host}" : host}${suffix}{uri} permanent`);
  }
  return redirects;
}

function mapped(address: string, sandbox: Sandbox | undefined): string {
  if (sandbox === undefined) return address;
  return address.replace(/:443$/, `:${sandbox.httpsPort}`).replace(/:80$/, `:${sandbox.httpPort}`);
}

function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map((line) => line.replace(/^/gm, "\t")).join("\n")}\n}`;
}
