/** What one name of an order is proved by (RFC 8555 section 8). No secret: a CA asks for it in public. */
export interface NameChallenge {
  /** As it was ordered, a wildcard with its `*.`. */
  readonly hostname: string;
  /** Proved already: the CA looks for nothing. */
  readonly isProved: boolean;
  /** RFC 8555 section 8.1 of dns-01; absent where the CA does not offer it. */
  readonly dnsKeyAuthorization?: string;
  /** Token and answer of http-01; absent where the CA does not offer it. */
  readonly http?: { readonly token: string; readonly keyAuthorization: string };
}
