// Extended key usage and key usage: whether a certificate may serve TLS.
import { leafNames, rsa } from "./maker.mjs";

const anyPurpose =
  "browsers take anyExtendedKeyUsage for serverAuth, `openssl verify -purpose sslserver` does not; a warning says so";

export function purposesCases(maker) {
  const { root, middle } = maker;
  /** A leaf with these lines beside its names and CA:FALSE. */
  const leaf = (...lines) => leafOf({}, ...lines);
  const leafOf = (options, ...lines) => {
    const extensions = ["basicConstraints=critical,CA:FALSE", `subjectAltName=${leafNames}`, ...lines];
    return { certificates: [maker.issue("leaf", { issuer: middle, extensions, ...options }), middle] };
  };
  const below = (usage) => {
    const ca = maker.ca("Intermediate", { issuer: root, more: [`extendedKeyUsage=${usage}`] });
    return { certificates: [maker.server(ca), ca] };
  };
  const belowRoot = (usage) => {
    const top = maker.ca("Root", { more: [`extendedKeyUsage=${usage}`] });
    return { certificates: [maker.server(top)], roots: [top] };
  };
  const signs = "keyUsage=critical,digitalSignature";
  const serves = "extendedKeyUsage=serverAuth";
  const bad = (name, input, reason, more) => maker.bad(name, input, "CHAIN_INVALID", reason, more);

  return [
    maker.good("leaf for servers", leaf(signs, serves)),
    maker.good("leaf for servers and clients", leaf(signs, "extendedKeyUsage=clientAuth,serverAuth")),
    maker.good("leaf without extended key usage", leaf(signs)),
    maker.good("leaf without key usage", leaf(serves)),
    maker.good("leaf with neither", leaf()),
    bad(
      "leaf for clients only",
      leaf(signs, "extendedKeyUsage=clientAuth"),
      "CN=leaf is for clientAuth, not for TLS servers",
    ),
    bad(
      "leaf for e-mail and code only",
      leaf(signs, "extendedKeyUsage=emailProtection,codeSigning"),
      "CN=leaf is for emailProtection, codeSigning",
    ),
    bad(
      "leaf for a purpose of somebody's own only",
      leaf(signs, "extendedKeyUsage=1.3.6.1.4.1.99999.1"),
      "CN=leaf is for 1.3.6.1.4.1.99999.1",
    ),
    maker.good("leaf for any purpose", leaf(signs, "extendedKeyUsage=anyExtendedKeyUsage"), undefined, {
      warnings: ["CHAIN_INVALID"],
      openssl: "refuses",
      why: anyPurpose,
    }),
    maker.good("leaf for any purpose and for servers", leaf(signs, "extendedKeyUsage=anyExtendedKeyUsage,serverAuth")),
    bad(
      "leaf for Netscape's step-up only",
      leaf(signs, "extendedKeyUsage=nsSGC"),
      "CN=leaf is for 2.16.840.1.113730.4.1",
      {
        openssl: "accepts",
        why: "openssl still takes the purpose of the export ciphers of the nineties for serverAuth",
      },
    ),
    maker.good(
      "leaf that Netscape's certificate type limits to clients",
      leaf(signs, serves, "nsCertType=client"),
      undefined,
      {
        openssl: "refuses",
        why: "openssl still looks at the certificate type of the nineties, browsers don't",
      },
    ),
    maker.good("intermediate for servers", below("serverAuth")),
    bad("intermediate for clients only", below("clientAuth"), "CN=Intermediate is for clientAuth, not for TLS servers"),
    maker.good("intermediate for any purpose", below("anyExtendedKeyUsage"), undefined, {
      warnings: ["CHAIN_INVALID"],
      openssl: "refuses",
      why: anyPurpose,
    }),
    bad("root for clients only", belowRoot("clientAuth"), "CN=Root is for clientAuth, not for TLS servers"),
    bad(
      "leaf whose key may only sign certificates",
      leaf("keyUsage=critical,keyCertSign", serves),
      "CN=leaf has the key usage keyCertSign",
    ),
    bad(
      "leaf whose key may only sign documents",
      leaf("keyUsage=critical,nonRepudiation", serves),
      "CN=leaf has the key usage nonRepudiation",
    ),
    maker.good(
      "RSA leaf whose key may only encipher, as for TLS 1.2 without forward secrecy",
      leafOf({ key: rsa(2048) }, "keyUsage=critical,keyEncipherment", serves),
    ),
    maker.good("EC leaf whose key may only agree on keys", leaf("keyUsage=critical,keyAgreement", serves)),
  ];
}
