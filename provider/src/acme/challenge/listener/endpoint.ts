import { TlsError } from "../../../errors";

/** Where a listener listens. */
export interface Endpoint {
  readonly type: "http-01" | "tls-alpn-01";
  readonly port: number;
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly address: string | undefined;
}

/** Why the port can't be opened, and what to do about it: a TlsError ACME_CHALLENGE. */
export function explainOpenFailure({ type, port, address }: Endpoint, error: unknown): TlsError {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const where = address === undefined ? `port ${port}` : `port ${port} of the address ${address}`;
  const { found, hint } = explainOpening(code, type, port);
  return new TlsError("ACME_CHALLENGE", `opening ${where} for ${type}: ${found} (${code}).`, { hint, cause: error });
}

/** What the CA connects to: RFC 8555 section 8.3, RFC 8737 section 3. */
const publicPort = { "http-01": 80, "tls-alpn-01": 443 } as const;

/** CAs follow redirections to ports 80 and 443 only, so another port has to be forwarded to. */
function explainOpening(
  code: string,
  type: Endpoint["type"],
  port: number,
): { readonly found: string; readonly hint: string } {
  const forward =
    type === "http-01"
      ? `give another port and have what listens on port 80 pass /.well-known/acme-challenge/ on to it (proxy, no redirect), or give the webroot of that server`
      : `give another port and have what listens on port 443 pass connections with ALPN acme-tls/1 on to it, or use http-01`;
  switch (code) {
    case "EADDRINUSE":
      return {
        found: "another program listens there",
        hint: `See which with "ss -ltnp sport = :${port}"; then ${forward}.`,
      };
    case "EACCES":
    case "EPERM":
      return {
        found: `the user that runs Pulumi may not open it`,
        hint: `Ports below 1024 need a right of their own (Linux: sysctl net.ipv4.ip_unprivileged_port_start=${publicPort[type]}); or ${forward}.`,
      };
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
    case "ENOTFOUND":
      return {
        found: "this machine has no such address",
        hint: "Leave address out to listen on all, or give one that this machine has.",
      };
    default:
      return { found: "the system refuses", hint: `Look at the address and port given; or ${forward}.` };
  }
}
