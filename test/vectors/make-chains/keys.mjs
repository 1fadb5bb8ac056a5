// Private keys beside the certificates: forms, encryption, and whether they fit.
import { damageScalar, renderOpenSsh } from "./der.mjs";
import { rsa } from "./maker.mjs";

const password = "correct horse";
const ed25519 = "-algorithm ED25519";

export function keysCases(maker) {
  const { middle, leaf } = maker;
  const rsaLeaf = maker.server(middle, { key: rsa(2048) });
  const edLeaf = maker.server(middle, { key: ed25519 });
  const other = maker.server(middle);
  const good = (name, privateKey, more = {}, pair = leaf) =>
    maker.good(name, { certificates: [pair, middle], privateKey, ...more });
  const bad = (name, privateKey, code, reason, more = {}) => {
    const { openssl, why, pair = leaf, ...input } = more;
    const verdict = { ...(openssl && { openssl }), ...(why && { why }) };
    return maker.bad(name, { certificates: [pair, middle], privateKey, ...input }, code, reason, verdict);
  };
  const sec1 = (pair, ...options) => maker.openssl("ec", "-in", pair.keyFile, ...options);
  const pkcs8 = (pair, ...options) =>
    maker.openssl("pkcs8", "-topk8", "-in", pair.keyFile, "-passout", `pass:${password}`, ...options);
  const parameters = maker.openssl("ecparam", "-name", "prime256v1");
  const encrypted = pkcs8(leaf, "-v2", "aes-256-cbc");
  const procType = sec1(leaf, "-aes256", "-passout", `pass:${password}`);
  const publicOf = (pair, ...options) => maker.openssl("pkey", "-in", pair.keyFile, "-pubout", ...options);
  const [edSecret, edPublic] = [
    ["pkcs8", "-topk8", "-nocrypt"],
    ["pkey", "-pubout"],
  ].map((command) => maker.written(...command, "-in", edLeaf.keyFile, "-outform", "DER"));
  const agreement = maker.openssl("genpkey", "-algorithm", "X25519");

  return [
    good("EC key in PKCS#8", leaf.keyPem),
    good("RSA key in PKCS#8", rsaLeaf.keyPem, {}, rsaLeaf),
    good("Ed25519 key in PKCS#8", edLeaf.keyPem, {}, edLeaf),
    good("RSA key in PKCS#1", maker.openssl("rsa", "-in", rsaLeaf.keyFile, "-traditional"), {}, rsaLeaf),
    good("EC key in SEC 1", sec1(leaf)),
    good("EC key in SEC 1 below EC PARAMETERS", parameters + sec1(leaf)),
    good("EC key in SEC 1 with CRLF and a byte order mark", `\uFEFF${sec1(leaf).replaceAll("\n", "\r\n")}`),
    good("key below the certificates of its chain", leaf.pem + middle.pem + leaf.keyPem),
    good("key in PKCS#8 encrypted with AES-256", encrypted, { password }),
    good("key in PKCS#8 encrypted with AES-256 by scrypt", pkcs8(leaf, "-scrypt"), { password }),
    good("key in PKCS#8 encrypted with 3DES by PKCS#12's derivation", pkcs8(leaf, "-v1", "PBE-SHA1-3DES"), {
      password,
    }),
    good("RSA key in PKCS#8 encrypted with AES-256", pkcs8(rsaLeaf, "-v2", "aes-256-cbc"), { password }, rsaLeaf),
    good("EC key in SEC 1 encrypted by Proc-Type headers, AES-256", procType, { password }),
    good(
      "RSA key in PKCS#1 encrypted by Proc-Type headers, 3DES",
      maker.openssl("rsa", "-in", rsaLeaf.keyFile, "-traditional", "-des3", "-passout", `pass:${password}`),
      { password },
      rsaLeaf,
    ),
    good("plain key, a passphrase given that nothing needs", leaf.keyPem, { password }),

    bad("encrypted key, the passphrase is wrong", encrypted, "KEY_ENCRYPTED", "the passphrase is wrong", {
      password: "not this one",
    }),
    bad("encrypted key, no passphrase given", encrypted, "KEY_ENCRYPTED", "no passphrase is given"),
    bad("encrypted key, the empty passphrase given", encrypted, "KEY_ENCRYPTED", "the passphrase is wrong", {
      password: "",
    }),
    bad("Proc-Type key, the passphrase is wrong", procType, "KEY_ENCRYPTED", "the passphrase is wrong", {
      password: "not this one",
    }),
    bad("Proc-Type key, no passphrase given", procType, "KEY_ENCRYPTED", "no passphrase is given"),
    bad("key in OpenSSH's format", renderOpenSsh(edSecret, edPublic), "KEY_INVALID", "OpenSSH's own format", {
      pair: edLeaf,
    }),
    bad(
      "EC key with a damaged scalar beside the right public half",
      damageScalar(sec1(leaf)),
      "KEY_INVALID",
      "is damaged",
    ),
    bad("key of another certificate", other.keyPem, "KEY_MISMATCH", "than the P256 key that is given"),
    bad("RSA key for an EC certificate", rsaLeaf.keyPem, "KEY_MISMATCH", "than the RSA2048 key that is given"),
    // the key decides which certificate is meant, even if that is the CA's
    bad("key of the CA", middle.keyPem, "KEY_MISMATCH", "CN=leaf has another public key than the P256 key", {
      openssl: "can't judge: it is told which certificate to verify, and is not asked for the key",
    }),
    bad("public key alone", publicOf(leaf), "KEY_INVALID", "holds no private key but only PUBLIC KEY"),
    bad("certificate in place of the key", leaf.pem, "KEY_INVALID", "holds no private key but only CERTIFICATE"),
    bad("two keys in one text", leaf.keyPem + other.keyPem, "KEY_INVALID", "holds 2 private keys", {
      openssl: "accepts",
      why: "openssl takes the first key; which one is meant is not for us to guess",
    }),
    bad("X25519 key, which can't sign", agreement, "KEY_INVALID", "can't sign a TLS handshake"),
    bad("key cut short", leaf.keyPem.split("\n").slice(0, 2).join("\n"), "PEM_INVALID", "cut short"),
    bad(
      "key labelled RSA with the bytes of an EC key",
      sec1(leaf).replaceAll("EC PRIVATE", "RSA PRIVATE"),
      "KEY_INVALID",
      "does not hold such a key",
    ),
  ];
}
