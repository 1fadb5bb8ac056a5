// PKCS#12 files: kinds of encryption, passwords, and what is inside.
import { mergePkcs12, readPem } from "./der.mjs";
import { rsa, text } from "./maker.mjs";

const password = "correct horse";

export function pkcs12Cases(maker) {
  const { root, middle, leaf } = maker;
  const rsaLeaf = maker.server(middle, { key: rsa(2048) });
  const other = maker.server(middle, { name: "other", names: "DNS:other.example.com" });

  /** `openssl pkcs12 -export` of a pair with its issuers; `options` are words. */
  function file(pair, options = "", { secret = password, keyOf = pair } = {}) {
    const words = options.split(" ").filter((word) => word !== "");
    const key = words.includes("-nokeys") ? [] : ["-inkey", keyOf.keyFile];
    const issuers = words.includes("-nocerts") ? [] : ["-certfile", maker.write("issuers.pem", text(middle, root))];
    const options12 = ["-in", pair.file, ...key, ...issuers, "-passout", `pass:${secret}`, ...words];
    return maker.written("pkcs12", "-export", ...options12);
  }
  const of = (bytes, secret = password, more = {}) => ({
    pkcs12: bytes.toString("base64"),
    ...(secret !== undefined && secret !== null && { password: secret }),
    ...more,
  });
  const good = (name, input, more) => maker.good(name, input, undefined, more);
  const withoutMac = "-nomac -keypbe NONE -certpbe NONE";
  const damaged = Buffer.from(file(leaf, "-keypbe NONE -certpbe NONE"));
  // a letter of the common name in the clear: only the MAC tells
  damaged[damaged.indexOf("Intermediate")] ^= 1;

  return [
    good("EC key, as openssl 3 writes it: AES-256, MAC SHA-256", of(file(leaf))),
    good("RSA key, as openssl 3 writes it: AES-256, MAC SHA-256", of(file(rsaLeaf))),
    good("EC key, as openssl 1 writes it: RC2-40 and 3DES, MAC SHA-1", of(file(leaf, "-legacy"))),
    good("RSA key, as openssl 1 writes it: RC2-40 and 3DES, MAC SHA-1", of(file(rsaLeaf, "-legacy"))),
    good(
      "3DES for key and certificates, MAC SHA-1, as Windows writes it",
      of(file(leaf, "-legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1")),
    ),
    good("RC2-40 for the key too", of(file(leaf, "-legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40"))),
    good("AES-128, MAC SHA-512", of(file(leaf, "-certpbe AES-128-CBC -keypbe AES-128-CBC -macalg sha512"))),
    good("no MAC", of(file(leaf, "-nomac"))),
    good("no MAC and no encryption, no password given", of(file(leaf, withoutMac), null)),
    good("no MAC and no encryption, a password given that nothing needs", of(file(leaf, withoutMac), "any")),
    good("MAC but no encryption", of(file(leaf, "-keypbe NONE -certpbe NONE"))),
    good("empty password, given as one", of(file(leaf, "", { secret: "" }), "")),
    good("empty password of a legacy file, given as one", of(file(leaf, "-legacy", { secret: "" }), "")),
    good("password with letters outside ASCII", of(file(leaf, "", { secret: "pässwörd" }), "pässwörd")),
    good(
      "two keys of which one belongs to the certificate",
      of(mergePkcs12(file(other, "-nomac -nocerts"), file(leaf, "-nomac"))),
    ),
    good(
      "key alone, its certificates given beside the file",
      of(file(leaf, "-nocerts"), password, { certificates: [leaf, middle] }),
    ),
    good("leaf and key, the intermediate given beside the file", {
      ...of(
        maker.written("pkcs12", "-export", "-in", leaf.file, "-inkey", leaf.keyFile, "-passout", `pass:${password}`),
      ),
      certificates: [middle],
    }),
    good("certificates alone: the chain is judged without a key", of(file(leaf, "-nokeys"))),

    maker.bad("wrong password", of(file(leaf), "not this one"), "CONTAINER_ENCRYPTED", "the password is wrong"),
    maker.bad(
      "wrong password of a legacy file",
      of(file(leaf, "-legacy"), "not this one"),
      "CONTAINER_ENCRYPTED",
      "the password is wrong",
    ),
    maker.bad(
      "wrong password of a file without MAC",
      of(file(leaf, "-nomac"), "not this one"),
      "CONTAINER_ENCRYPTED",
      "the password is wrong",
    ),
    maker.bad(
      "empty password where there is another",
      of(file(leaf), ""),
      "CONTAINER_ENCRYPTED",
      "the empty password is wrong",
    ),
    maker.bad(
      "no password given",
      of(file(leaf), null),
      "CONTAINER_ENCRYPTED",
      "protected by a password, and no password is given",
    ),
    maker.bad(
      "no password given where it is the empty one",
      of(file(leaf, "", { secret: "" }), null),
      "CONTAINER_ENCRYPTED",
      "protected by the empty password, and no password is given",
      { openssl: "accepts", why: "openssl can't be given no password, the empty one stands for it" },
    ),
    maker.bad(
      "key alone, no certificate anywhere",
      of(file(leaf, "-nocerts")),
      "CHAIN_INCOMPLETE",
      "there is no certificate",
    ),
    maker.bad(
      "key of another certificate",
      // openssl refuses to make such a file, so certificates and key are put together from two
      of(mergePkcs12(file(leaf, "-nomac -nokeys"), file(other, "-nomac -nocerts"))),
      "KEY_MISMATCH",
      "CN=leaf has another public key than the P256 key",
    ),
    maker.bad(
      "content that was changed after the MAC was made",
      of(damaged),
      "CONTAINER_ENCRYPTED",
      "or the file is damaged",
    ),
    maker.bad(
      "file that is cut short",
      of(file(leaf).subarray(0, -100)),
      "CONTAINER_INVALID",
      "no certificate, key, PKCS#7 or PKCS#12",
    ),
    maker.bad(
      "file that is one certificate, cut short inside base64",
      of(readPem(leaf.pem).subarray(0, 90)),
      "CONTAINER_INVALID",
      "no certificate, key",
    ),
  ];
}
