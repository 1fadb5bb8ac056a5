// Guards: a container by openssl that we can't read, or one by us that openssl, or Node's TLS, can't.
import { spawnSync } from "node:child_process";
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../provider/src/errors";
import type { Certificate } from "../../../provider/src/x509/certificate/certificate";
import { readContainer } from "../../../provider/src/x509/containers/container";
import { renderPkcs7 } from "../../../provider/src/x509/containers/pkcs7";
import { writePkcs12 } from "../../../provider/src/x509/pkcs12/write";
import { withinCpuTime } from "../../support/cpu-time";
import { describeWithPeer } from "../../support/peer";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const password = "correct horse";
const foreign = "pässwörd 🔑";

const keys = {
  "P-256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
  "P-384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
  "RSA 2048": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
  Ed25519: "-algorithm ED25519",
} as const;
type KeyName = keyof typeof keys;
const keyNames = Object.keys(keys) as KeyName[];

describeWithPeer("openssl", () => {
  const pki = new OpensslPki();
  let root: IssuedPair;
  let intermediate: IssuedPair;
  const leaves = {} as Record<KeyName, IssuedPair>;

  beforeAll(() => {
    root = pki.issue("Container Root", { extensions: caExtensions() });
    intermediate = pki.issue("Container CA", { issuer: root, extensions: caExtensions(0) });
    for (const name of keyNames) {
      const extensions = leafExtensions("DNS:a.example.com");
      leaves[name] = pki.issue("a.example.com", { issuer: intermediate, key: keys[name], extensions });
    }
    pki.write("chain.pem", intermediate.pem + root.pem);
  });
  afterAll(() => pki.remove());

  const chainOf = (name: KeyName) => [leaves[name], intermediate, root].map(({ pem }) => new X509Certificate(pem));
  const keyOf = (name: KeyName): KeyObject => createPrivateKey(leaves[name].keyPem);
  const base64 = (file: string) => readFileSync(join(pki.folder, file), "base64");

  /** `openssl pkcs12 -export` with the leaf, its key and chain; the base64 of the file. */
  function makePkcs12(name: KeyName, options: string, secret = password): string {
    const { file, keyFile } = leaves[name];
    const words = options.split(" ").filter((word) => word !== "");
    const inputs = words.includes("-nokeys") ? ["-in", file] : ["-in", file, "-inkey", keyFile];
    const chain = words.includes("-nocerts") ? [] : ["-certfile", "chain.pem"];
    pki.run(["pkcs12", "-export", ...inputs, ...chain, "-out", "made.p12", "-passout", `pass:${secret}`, ...words]);
    return base64("made.p12");
  }

  /** The failure of reading. */
  function failure(text: string, options?: { password?: string }): TlsError {
    try {
      readContainer(text, "pfx", options);
    } catch (error) {
      if (isTlsError(error)) return error;
      throw error;
    }
    throw new Error("was read without a failure");
  }

  const fingerprints = (certificates: readonly (X509Certificate | Certificate)[]) =>
    certificates.map(
      (certificate) => (certificate instanceof X509Certificate ? certificate : certificate.x509).fingerprint256,
    );

  describe("PKCS#12 by openssl", () => {
    const variants: readonly (readonly [name: string, options: string, secret?: string])[] = [
      ["of openssl 3: AES-256, MAC SHA-256", ""],
      ["with AES-128", "-keypbe AES-128-CBC -certpbe AES-128-CBC"],
      ["with AES-192", "-keypbe AES-192-CBC -certpbe AES-192-CBC"],
      ["with 3DES by PBES2", "-keypbe DES-EDE3-CBC -certpbe DES-EDE3-CBC"],
      ["of openssl 1: RC2-40, 3DES, MAC SHA-1", "-legacy -certpbe PBE-SHA1-RC2-40"],
      ["with RC2-128", "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128"],
      ["with RC2-40 for the key too", "-legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC2-40"],
      ["with 3DES", "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1"],
      ["with two keys of 3DES", "-certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES"],
      ["with MAC MD5", "-macalg md5"],
      ["with MAC SHA-224", "-macalg sha224"],
      ["with MAC SHA-384", "-macalg sha384"],
      ["with MAC SHA-512", "-macalg sha512"],
      ["without MAC", "-nomac"],
      ["without MAC, with RC2-40", "-legacy -keypbe PBE-SHA1-RC2-40 -nomac"],
      ["without encryption", "-keypbe NONE -certpbe NONE"],
      ["with the key alone encrypted", "-certpbe NONE"],
      ["with the certificates alone encrypted", "-keypbe NONE"],
      ["without iterations", "-noiter -nomaciter"],
      ["with 100,000 iterations", "-iter 100000"],
      ["with a friendly name outside ASCII", "-name ünï -caname Zwischenstelle"],
      ["with an empty password", "", ""],
      ["with an empty password, legacy", "-legacy", ""],
      ["with an empty password, without MAC", "-nomac", ""],
      ["with a password outside ASCII", "", foreign],
      ["with a password outside ASCII, legacy", "-legacy", foreign],
    ];

    it.each(variants.map(([name, options, secret = password]) => [name, options, secret] as const))(
      "%s gives key and chain; missing, wrong and empty passwords are told apart",
      (_, options, secret) => {
        const text = makePkcs12("P-256", options, secret);
        const contents = readContainer(text, "pfx", { password: secret });
        expect(fingerprints(contents.certificates)).toEqual(fingerprints(chainOf("P-256")));
        expect(contents.privateKeys.map((key) => key.equals(keyOf("P-256")))).toEqual([true]);
        expect(contents.format).toBe("PKCS#12");
        const [found, hint] =
          secret === ""
            ? ["the empty password", 'Give the password "".']
            : ["a password", 'Give it; one that is empty is given as "".'];
        expect(failure(text)).toMatchObject({
          code: "CONTAINER_ENCRYPTED",
          reason: `pfx: is protected by ${found}, and no password is given`,
          hint,
        });
        for (const wrong of ["not this one", `${secret} `, ...(secret === "" ? [] : [""])]) {
          const error = failure(text, { password: wrong });
          expect(error.code).toBe("CONTAINER_ENCRYPTED");
          expect(error.reason).toBe(
            `pfx: the ${wrong === "" ? "empty " : ""}password is wrong (or the file is damaged)`,
          );
        }
      },
    );

    it.each(keyNames)("with a key %s", (name) => {
      for (const options of ["", "-legacy"]) {
        const { privateKeys, certificates } = readContainer(makePkcs12(name, options), "pfx", { password });
        expect(privateKeys.map((key) => key.equals(keyOf(name)))).toEqual([true]);
        expect(certificates[0]?.x509.checkPrivateKey(keyOf(name))).toBe(true);
      }
    });

    it("without MAC and encryption is read with any password or none", () => {
      const text = makePkcs12("P-256", "-keypbe NONE -certpbe NONE -nomac");
      for (const options of [{}, { password: "" }, { password: "any" }]) {
        expect(readContainer(text, "pfx", options).certificates).toHaveLength(3);
      }
    });

    it("with the certificates or the key alone", () => {
      const certificates = readContainer(makePkcs12("P-256", "-nokeys"), "pfx", { password });
      expect([certificates.certificates.length, certificates.privateKeys.length]).toEqual([3, 0]);
      const key = readContainer(makePkcs12("P-256", "-nocerts"), "pfx", { password });
      expect([key.certificates.length, key.privateKeys.length]).toEqual([0, 1]);
    });

    it("never takes one of 600 wrong passwords of a file without MAC for a damaged file", () => {
      for (const options of ["-iter 1 -nomac", "-legacy -keypbe PBE-SHA1-RC2-40 -iter 1 -nomac"]) {
        const text = makePkcs12("P-256", options);
        const reasons = new Set<string>();
        // one in 256 leaves a right padding
        for (let i = 0; i < 600; i++) reasons.add(failure(text, { password: `wrong ${i}` }).reason);
        expect([...reasons]).toEqual(["pfx: the password is wrong (or the file is damaged)"]);
      }
    });

    it("with more iterations than are run is refused before they are", () => {
      const cases = [
        ["-iter 1000000 -nomac", "1,000,000 rounds to open, at most 600,000"],
        ["-iter 1000000 -legacy -keypbe NONE -certpbe NONE", "1,000,000 rounds to open, at most 100,000"],
        ["-keypbe PBE-SHA1-3DES -iter 600000 -nomac", "1,800,000 rounds to open, at most 100,000"],
        ["-iter 100000 -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES", undefined],
      ] as const;
      for (const [options, rounds] of cases) {
        const text = makePkcs12("P-256", options);
        if (rounds === undefined) {
          // honest and slow: the MAC proves the password, then 600,000 rounds are run
          expect(readContainer(text, "pfx", { password }).certificates).toHaveLength(3);
          continue;
        }
        expect(withinCpuTime(50, () => failure(text, { password })).reason).toBe(`pfx: takes ${rounds} are run`);
      }
    });

    it("whose parts have been changed after its MAC is refused", () => {
      const encoded = Buffer.from(makePkcs12("P-256", "-keypbe NONE -certpbe NONE"), "base64");
      const at = encoded.indexOf(Buffer.from("a.example.com"));
      encoded[at] = 0x62;
      expect(failure(encoded.toString("base64"), { password }).code).toBe("CONTAINER_ENCRYPTED");
    });
  });

  describe("PKCS#12 by us", () => {
    const kinds = keyNames.flatMap((name) => (["modern", "legacy"] as const).map((kind) => [name, kind] as const));

    function write(name: KeyName, encryption: "modern" | "legacy", secret: string): Buffer {
      const [leaf, ...chain] = readContainer(leaves[name].pem + intermediate.pem + root.pem, "chain").certificates;
      if (leaf === undefined) throw new Error("no leaf");
      return writePkcs12({
        privateKey: keyOf(name),
        certificates: [leaf, ...chain],
        password: secret,
        friendlyName: "my site",
        encryption,
      });
    }

    it.each(kinds)("%s, %s: openssl and Node's TLS open it, and only with the password", (name, kind) => {
      for (const secret of [password, ""]) {
        const pfx = write(name, kind, secret);
        writeFileSync(join(pki.folder, "ours.p12"), pfx);
        const text = pki.run(["pkcs12", "-in", "ours.p12", "-nodes", "-passin", `pass:${secret}`]);
        const contents = readContainer(text, "output");
        expect(fingerprints(contents.certificates)).toEqual(fingerprints(chainOf(name)));
        expect(contents.privateKeys.map((key) => key.equals(keyOf(name)))).toEqual([true]);
        expect(text.match(/friendlyName: my site$/gm)).toHaveLength(2);
        expect(() => createSecureContext({ pfx, passphrase: secret })).not.toThrow();
        expect(() => createSecureContext({ pfx, passphrase: "wrong" })).toThrow(/mac verify failure/i);
        const wrong = spawnSync("openssl", ["pkcs12", "-in", "ours.p12", "-noout", "-passin", "pass:wrong"], {
          cwd: pki.folder,
        });
        expect(wrong.stderr.toString()).toContain("invalid password");
      }
    });

    it("has the encryption and MAC that it says", () => {
      for (const [kind, expected] of [
        ["modern", ["MAC: sha256, Iteration 10000", "AES-256-CBC", "PRF hmacWithSHA256"]],
        ["legacy", ["MAC: sha1, Iteration 2048", "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048"]],
      ] as const) {
        writeFileSync(join(pki.folder, "ours.p12"), write("P-256", kind, password));
        const { stderr } = spawnSync(
          "openssl",
          ["pkcs12", "-info", "-noout", "-in", "ours.p12", "-passin", `pass:${password}`],
          { cwd: pki.folder },
        );
        for (const words of expected) expect(stderr.toString()).toContain(words);
      }
    });
  });

  describe("PKCS#7", () => {
    /** A `.p7b` by openssl, in DER unless PEM is asked for. */
    function makePkcs7(...options: readonly string[]): string {
      pki.write("all.pem", leaves["P-256"].pem + intermediate.pem + root.pem);
      pki.run(["crl2pkcs7", "-certfile", "all.pem", "-out", "made.p7b", ...options]);
      return join(pki.folder, "made.p7b");
    }

    it("by openssl, in PEM under each label and in DER, gives the certificates in their order", () => {
      const pem = readFileSync(makePkcs7("-nocrl"), "utf8");
      expect(pem).toContain("BEGIN PKCS7");
      const der = readFileSync(makePkcs7("-nocrl", "-outform", "DER"), "base64");
      const labels = ["PKCS7", "CMS", "PKCS #7 SIGNED DATA", "CERTIFICATE"];
      for (const text of [der, ...labels.map((label) => pem.replaceAll("PKCS7", label))]) {
        const contents = readContainer(text, "p7b");
        expect(fingerprints(contents.certificates)).toEqual(fingerprints(chainOf("P-256")));
        expect(contents.format).toBe("PKCS#7");
      }
    });

    it("with a revocation list, or of a signed message in BER, gives the same", () => {
      pki.run([
        "ca",
        "-gencrl",
        "-config",
        "ca.cnf",
        "-keyfile",
        root.keyFile,
        "-cert",
        root.file,
        "-crldays",
        "9",
        "-md",
        "sha256",
        "-out",
        "root.crl",
      ]);
      const withList = readContainer(readFileSync(makePkcs7("-in", "root.crl"), "utf8"), "p7b");
      expect(fingerprints(withList.certificates)).toEqual(fingerprints(chainOf("P-256")));
      pki.write("message.txt", "hello");
      const { file, keyFile } = leaves["P-256"];
      const sign = ["cms", "-sign", "-in", "message.txt", "-signer", file, "-inkey", keyFile, "-certfile", "chain.pem"];
      for (const options of [[], ["-stream", "-indef"]]) {
        pki.run([...sign, "-nodetach", "-outform", "DER", "-out", "message.p7m", ...options]);
        const signed = readContainer(base64("message.p7m"), "p7m");
        expect(fingerprints(signed.certificates).sort()).toEqual(fingerprints(chainOf("P-256")).sort());
      }
      expect(readFileSync(join(pki.folder, "message.p7m"))[1]).toBe(0x80);
    });

    it("by us is read by openssl, with the same certificates in the same order", () => {
      const { certificates } = readContainer(leaves["P-256"].pem + intermediate.pem + root.pem, "chain");
      pki.write("ours.p7b", renderPkcs7(certificates));
      const text = pki.run(["pkcs7", "-in", "ours.p7b", "-print_certs"]);
      expect(fingerprints(readContainer(text, "output").certificates)).toEqual(fingerprints(chainOf("P-256")));
      expect(fingerprints(readContainer(renderPkcs7(certificates), "ours").certificates)).toEqual(
        fingerprints(chainOf("P-256")),
      );
    });
  });

  describe("keys and certificates", () => {
    it.each(keyNames)("a key %s in base64 of each DER form is read", (name) => {
      const { keyFile } = leaves[name];
      const forms = [
        ["pkcs8", "-topk8", "-nocrypt", "-in", keyFile, "-outform", "DER"],
        ["pkcs8", "-topk8", "-in", keyFile, "-outform", "DER", "-passout", `pass:${password}`],
        ...(name === "RSA 2048" ? [["rsa", "-traditional", "-in", keyFile, "-outform", "DER"]] : []),
        ...(name.startsWith("P-") ? [["ec", "-in", keyFile, "-outform", "DER"]] : []),
      ];
      for (const form of forms) {
        pki.run([...form, "-out", "key.der"]);
        const { privateKeys, format } = readContainer(base64("key.der"), "key", { password });
        expect(privateKeys.map((key) => key.equals(keyOf(name)))).toEqual([true]);
        expect(format).toBe("DER");
      }
    });

    it("a certificate in base64 of DER, or with OpenSSL's trust settings, is read", () => {
      const { file } = leaves["P-256"];
      pki.run(["x509", "-in", file, "-outform", "DER", "-out", "leaf.der"]);
      const trusted = pki.run(["x509", "-in", file, "-trustout", "-addtrust", "serverAuth", "-setalias", "mine"]);
      expect(trusted).toContain("BEGIN TRUSTED CERTIFICATE");
      for (const text of [base64("leaf.der"), trusted]) {
        expect(fingerprints(readContainer(text, "cert").certificates)).toEqual([chainOf("P-256")[0]?.fingerprint256]);
      }
    });

    it("requests, revocation lists and public keys are named when they are all there is", () => {
      pki.run([
        "req",
        "-new",
        "-config",
        "ca.cnf",
        "-key",
        leaves["P-256"].keyFile,
        "-subj",
        "/CN=x",
        "-outform",
        "DER",
        "-out",
        "x.csr",
      ]);
      expect(failure(base64("x.csr")).reason).toContain("only CERTIFICATE REQUEST");
      pki.run(["pkey", "-in", leaves["P-256"].keyFile, "-pubout", "-outform", "DER", "-out", "x.pub"]);
      expect(failure(base64("x.pub")).reason).toContain("only PUBLIC KEY");
      pki.run([
        "ca",
        "-gencrl",
        "-config",
        "ca.cnf",
        "-keyfile",
        root.keyFile,
        "-cert",
        root.file,
        "-crldays",
        "9",
        "-md",
        "sha256",
        "-out",
        "root.crl",
      ]);
      pki.run(["crl", "-in", "root.crl", "-outform", "DER", "-out", "root.crl.der"]);
      expect(failure(base64("root.crl.der")).reason).toContain("only X509 CRL");
    });
  });
});
