import { renderList } from "../../text/list";
import { parseIdentifier } from "../../x509/names/identifier";

/** A name that a certificate is for and that a CA validates (RFC 8555 section 9.7.7, RFC 8738). */
export interface AcmeIdentifier {
  readonly type: "dns" | "ip";
  /** Canonical, from `parseIdentifier`. A wildcard has its `*.` in an order, and not in an authorization or a challenge. */
  readonly value: string;
}

/** A name as an order takes it. */
export function toAcmeIdentifier(hostname: string): AcmeIdentifier {
  const { type, value } = parseIdentifier(hostname);
  return type === "ip" ? { type, value } : { type: "dns", value };
}

/** The kinds of challenge that are known here: RFC 8555 section 8, RFC 8737, draft-ietf-acme-dns-persist. */
export type ChallengeType = "http-01" | "dns-01" | "tls-alpn-01" | "dns-persist-01";

/** Names for a message: at most five, and how many more. */
export function renderNames(identifiers: readonly { readonly value: string }[]): string {
  return renderList(identifiers, 5, ({ value }) => value);
}
