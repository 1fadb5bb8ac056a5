// Weak keys and hashes, and critical extensions that nobody knows.
import { rsa } from "./maker.mjs";

const unknown = "1.3.6.1.4.1.99999.7";

export function strengthCases(maker) {
  const { root, middle } = maker;
  const at = (options) => ({ certificates: [maker.server(middle, options), middle] });
  const below = (options) => {
    const ca = maker.ca("Intermediate", { issuer: root, ...options });
    return { certificates: [maker.server(ca), ca] };
  };
  const belowRoot = (options) => {
    const top = maker.ca("Root", options);
    const ca = maker.ca("Intermediate", { issuer: top });
    return { certificates: [maker.server(ca), ca], roots: [top] };
  };
  const weak = (name, input, reason) => {
    const why = "`openssl verify` sets no level by default; at -auth_level 2, the level of its TLS, it refuses";
    return {
      ...maker.bad(name, input, "CERTIFICATE_WEAK", reason, { openssl: "accepts", why }),
      opensslLevel2: "refuses",
    };
  };
  const sound = (...args) => ({ ...maker.good(...args), opensslLevel2: "accepts" });
  const bad = (name, input, reason) => maker.bad(name, input, "CHAIN_INVALID", reason);
  const critical = { more: [`${unknown}=critical,DER:0500`] };

  return [
    weak("leaf with an RSA key of 1024 bits", at({ key: rsa(1024) }), "RSA1024"),
    weak("intermediate with an RSA key of 1024 bits", below({ key: rsa(1024) }), "RSA1024"),
    weak("root with an RSA key of 1024 bits", belowRoot({ key: rsa(1024) }), "RSA1024"),
    sound("leaf with an RSA key of 2048 bits", at({ key: rsa(2048) })),
    sound("leaf with an EC key on P-384", at({ key: "-algorithm EC -pkeyopt ec_paramgen_curve:P-384" })),
    weak(
      "leaf with an EC key on a curve of 192 bits",
      at({ key: "-algorithm EC -pkeyopt ec_paramgen_curve:prime192v1" }),
      "prime192v1",
    ),
    sound("leaf with an Ed25519 key", at({ key: "-algorithm ED25519" })),
    weak("leaf signed with SHA-1", at({ hash: "sha1" }), "CN=leaf is signed with SHA-1"),
    weak("leaf signed with SHA-1 and RSA", rsaSigned(maker, "sha1"), "CN=leaf is signed with SHA-1"),
    weak("leaf signed with MD5 and RSA", rsaSigned(maker, "md5"), "CN=leaf is signed with MD5"),
    sound("leaf signed with SHA-512 and RSA", rsaSigned(maker, "sha512")),
    weak("intermediate signed with SHA-1", below({ hash: "sha1" }), "CN=Intermediate is signed with SHA-1"),
    sound("root signed with SHA-1, which nobody relies on", belowRoot({ hash: "sha1" })),
    bad(
      "unknown critical extension of the leaf",
      at(critical),
      `CN=leaf has critical extensions that clients don't know and therefore refuse: ${unknown}`,
    ),
    bad("unknown critical extension of an intermediate", below(critical), "CN=Intermediate has critical extensions"),
    bad("unknown critical extension of the root", belowRoot(critical), "CN=Root has critical extensions"),
    maker.bad(
      "Netscape's certificate type that is critical",
      at({ more: ["nsCertType=critical,server"] }),
      "CHAIN_INVALID",
      "2.16.840.1.113730.1.1",
      {
        openssl: "accepts",
        why: "openssl still knows the extension, browsers and Go don't",
      },
    ),
    bad(
      "must-staple that is critical",
      at({ more: ["tlsfeature=critical,status_request"] }),
      "CN=leaf has critical extensions",
    ),
    maker.good("must-staple that is not critical", at({ more: ["tlsfeature=status_request"] })),
    maker.good("certificate policies that are critical", at({ more: ["certificatePolicies=critical,1.2.3.4"] })),
    maker.good("unknown extension that is not critical", at({ more: [`${unknown}=DER:0500`] })),
  ];
}

function rsaSigned(maker, hash) {
  const ca = maker.ca("Intermediate", { issuer: maker.root, key: rsa(2048) });
  return { certificates: [maker.server(ca, { hash }), ca] };
}
