// Makes every certificate that the trial of a gateway needs, by openssl: of the gateway, its clients and its upstreams.
import type { GatewayFile } from "../../../provider/src/gateway/model/kind";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../x509/openssl-pki";

/** Certificate and key as texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** All of them; P-256. */
export interface GatewayCertificates {
  /** Root of all that the gateway serves. */
  readonly rootPem: string;
  /** By the name that sites refer to; each has its chain with it, and its own name as common name. */
  readonly served: Readonly<Record<string, KeyPair>>;
  /** Another certificate for the names of "exact". */
  readonly renewed: KeyPair;
  readonly clientRootPem: string;
  readonly client: KeyPair;
  /** Of an authority that no site knows. */
  readonly stranger: KeyPair;
  /** For `app.internal` and 127.0.0.1. */
  readonly upstream: KeyPair;
  /** For `app.internal` too, and an address that it does not have. */
  readonly upstreamElsewhere: KeyPair;
  readonly upstreamRootPem: string;
  readonly otherRootPem: string;
  readonly remove: () => void;
}

const dns = (names: readonly string[]): string => names.map((name) => `DNS:${name}`).join(",");

/** Issues them. `names`: those of the certificates, by certificate. */
export function makeGatewayCertificates(names: Readonly<Record<string, readonly string[]>>): GatewayCertificates {
  const pki = new OpensslPki();
  const authority = (name: string) => pki.issue(name, { extensions: caExtensions() });
  const root = authority("Gateway Root");
  const intermediate = pki.issue("Gateway Intermediate", { issuer: root, extensions: caExtensions(0) });
  const serve = (name: string, covered: readonly string[]): KeyPair => {
    const leaf = pki.issue(name, { issuer: intermediate, extensions: leafExtensions(dns(covered)) });
    return { cert: leaf.pem + intermediate.pem, key: leaf.keyPem };
  };
  const clientExtensions = leafExtensions("DNS:client.test").map((line) => line.replace("serverAuth", "clientAuth"));
  const clientOf = (issuer: IssuedPair): KeyPair =>
    pairOf(pki.issue("client", { issuer, extensions: clientExtensions }));
  const [clientRoot, strangerRoot, upstreamRoot] = ["Client Root", "Stranger Root", "Upstream Root"].map(authority) as [
    IssuedPair,
    IssuedPair,
    IssuedPair,
  ];
  const upstreamOf = (address: string): KeyPair =>
    pairOf(
      pki.issue("upstream", { issuer: upstreamRoot, extensions: leafExtensions(`DNS:app.internal,IP:${address}`) }),
    );
  return {
    rootPem: root.pem,
    served: Object.fromEntries(Object.entries(names).map(([name, covered]) => [name, serve(name, covered)])),
    renewed: serve("renewed", names.exact ?? []),
    clientRootPem: clientRoot.pem,
    client: clientOf(clientRoot),
    stranger: clientOf(strangerRoot),
    upstream: upstreamOf("127.0.0.1"),
    upstreamElsewhere: upstreamOf("127.0.0.99"),
    upstreamRootPem: upstreamRoot.pem,
    otherRootPem: strangerRoot.pem,
    remove: () => pki.remove(),
  };
}

/** The part of a certificate that a file of a gateway holds. */
export function partOf({ cert, key }: KeyPair, part: GatewayFile["source"]["part"]): string {
  if (part === "fullChainPem" || part === "caPem") return cert;
  if (part === "privateKeyPem") return key;
  if (part === "haproxyPem") return cert + key;
  throw new TypeError(`no kind of gateway takes ${part}`);
}

function pairOf({ pem, keyPem }: IssuedPair): KeyPair {
  return { cert: pem, key: keyPem };
}
