// Guards: a Java keystore that we can't read, or a PKCS#12 file by us that Java can't.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ContainerContents, readContainer } from "../../../provider/src/x509/containers/container";
import { renderPkcs7 } from "../../../provider/src/x509/containers/pkcs7";
import { writePkcs12 } from "../../../provider/src/x509/pkcs12/write";
import { withinCpuTime } from "../../support/cpu-time";
import { describeWithPeer } from "../../support/peer";
import { sample } from "../../support/tier";
import { caExtensions, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const password = "correct horse";

describeWithPeer("keytool", ({ path: keytool }) => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "keytool-containers-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function run(...args: readonly string[]): string {
    const all = ["-J-Duser.language=en", "-J-Dfile.encoding=UTF-8", ...args];
    return execFileSync(keytool, all, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  const store = (file: string) => ["-keystore", file, "-storetype", "PKCS12", "-storepass", password];
  const read = (file: string): ContainerContents =>
    readContainer(readFileSync(join(folder, file), "base64"), file, { password });
  const rsa = ["-keyalg", "RSA", "-keysize", "2048"];
  const ec = ["-keyalg", "EC", "-groupname", "secp256r1"];
  const generate = (file: string, alias: string, ...options: readonly string[]) =>
    run("-genkeypair", "-alias", alias, "-dname", `CN=${alias}`, ...store(file), ...options);

  /** The keys that belong to a certificate, in the order of the certificates. */
  const owners = ({ certificates, privateKeys }: ContainerContents): string[] =>
    certificates
      .filter(({ x509 }) => privateKeys.some((key) => x509.checkPrivateKey(key)))
      .map(({ subject }) => subject);

  describe("a keystore by keytool", () => {
    it.each([
      ["RSA", rsa],
      ["EC", ec],
      ["Ed25519", ["-keyalg", "Ed25519"]],
    ])("with a key %s is read", (name, options) => {
      generate(`${name}.p12`, name, ...options);
      const contents = read(`${name}.p12`);
      expect(owners(contents)).toEqual([`CN=${name}`]);
      expect([contents.certificates.length, contents.privateKeys.length]).toEqual([1, 1]);
    });

    it("with several keys and a secret key gives all keys and passes over the secret one", () => {
      generate("several.p12", "one", ...rsa);
      generate("several.p12", "two", ...ec);
      generate("several.p12", "three", ...ec);
      run("-genseckey", "-alias", "secret", "-keyalg", "AES", "-keysize", "256", ...store("several.p12"));
      expect(owners(read("several.p12")).sort()).toEqual(["CN=one", "CN=three", "CN=two"]);
    });

    it("of trusted certificates gives them without a key", () => {
      generate("source.p12", "trusted", ...ec);
      run("-exportcert", "-alias", "trusted", ...store("source.p12"), "-file", "trusted.der");
      run("-importcert", "-noprompt", "-alias", "trusted", "-file", "trusted.der", ...store("trust.p12"));
      const { certificates, privateKeys } = read("trust.p12");
      expect(certificates.map(({ subject }) => subject)).toEqual(["CN=trusted"]);
      expect(privateKeys).toEqual([]);
    });

    it("as Java made them before 2021 (RC2-40, 3DES, 100,000 and 50,000 iterations) is read within 2 s", () => {
      generate("legacy.p12", "legacy", "-J-Dkeystore.pkcs12.legacy=true", ...rsa);
      expect(owners(withinCpuTime(2000, () => read("legacy.p12")))).toEqual(["CN=legacy"]);
    });

    it("in Java's own format is refused with the command that converts it, which works", () => {
      const jks = ["-keystore", "old.jks", "-storetype", "JKS", "-storepass", password];
      run("-genkeypair", "-alias", "old", "-dname", "CN=old", ...jks, "-keypass", password, ...rsa);
      expect(() => read("old.jks")).toThrow(/is a Java keystore \(JKS\).*keytool -importkeystore/);
      const source = ["-srckeystore", "old.jks", "-srcstorepass", password];
      const target = ["-destkeystore", "new.p12", "-deststoretype", "PKCS12", "-deststorepass", password];
      run("-importkeystore", ...source, ...target);
      expect(owners(read("new.p12"))).toEqual(["CN=old"]);
    });
  });

  describe("by us", () => {
    const pki = new OpensslPki();
    const root = pki.issue("Java Root", { extensions: caExtensions() });
    afterAll(() => pki.remove());

    const kinds = {
      RSA: "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
      "P-256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
      "P-384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
      Ed25519: "-algorithm ED25519",
    };
    const cases = [
      ...Object.entries(kinds).map(([name, key]) => [name, "modern", key] as const),
      ["RSA", "legacy", kinds.RSA] as const,
    ];

    it.each(sample(cases, 2))(
      "a PKCS#12 file with a key %s, %s, opens as key and chain under its name",
      (name, encryption, key) => {
        const made = pki.issue("a.example.com", { issuer: root, key, extensions: leafExtensions("DNS:a.example.com") });
        const { certificates, privateKeys } = readContainer(made.keyPem + made.pem + root.pem, "made");
        const [leaf, ...chain] = certificates;
        const [privateKey] = privateKeys;
        if (leaf === undefined || privateKey === undefined) throw new Error("nothing was made");
        const file = `ours-${name}-${encryption}.p12`;
        const request = {
          privateKey,
          certificates: [leaf, ...chain],
          password,
          friendlyName: "ünï",
          encryption,
        } as const;
        writeFileSync(join(folder, file), writePkcs12(request));
        const listed = run("-list", "-v", ...store(file));
        expect(listed).toContain("Alias name: ünï");
        expect(listed).toContain("Entry type: PrivateKeyEntry");
        expect(listed).toContain("Certificate chain length: 2");
        expect(listed).toContain(leaf.x509.fingerprint256);
        // the key itself: a request signed by it, and the file written anew by Java
        expect(run("-certreq", "-alias", "ünï", ...store(file))).toContain("BEGIN NEW CERTIFICATE REQUEST");
        const target = ["-destkeystore", `again-${file}`, "-deststoretype", "PKCS12", "-deststorepass", password];
        run("-importkeystore", "-srckeystore", file, "-srcstorepass", password, ...target);
        const again = read(`again-${file}`);
        expect(again.privateKeys.map((other) => other.equals(privateKey))).toEqual([true]);
      },
    );

    it("PKCS#7 is printed with the same certificates", () => {
      const { certificates } = readContainer(root.pem, "root");
      writeFileSync(join(folder, "ours.p7b"), renderPkcs7(certificates));
      const printed = run("-printcert", "-file", "ours.p7b");
      expect(printed).toContain(new X509Certificate(root.pem).fingerprint256);
    });
  });
});
