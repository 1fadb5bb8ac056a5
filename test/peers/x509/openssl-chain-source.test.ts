// A chain comes out the same from whatever a CA mailed: PEM in pieces, PKCS#7, DER, PKCS#12, as openssl writes them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { renderFailure } from "../../../provider/src/adapter/failures";
import { certificateChain } from "../../../provider/src/lifecycle/chain/certificate-chain";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { describeWithPeer } from "../../support/peer";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const PASSWORD = "hunter2-of-the-file";

describeWithPeer("openssl", ({ path: openssl }) => {
  const pki = new OpensslPki();
  let [root, intermediate, leaf, other] = [] as unknown as [IssuedPair, IssuedPair, IssuedPair, IssuedPair];
  let expected: Properties;
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-source-"));

  beforeAll(() => {
    root = pki.issue("/CN=Root", { extensions: caExtensions() });
    intermediate = pki.issue("/CN=Intermediate", { issuer: root, extensions: caExtensions(0) });
    leaf = pki.issue("/CN=shop", { issuer: intermediate, extensions: leafExtensions("DNS:shop.test") });
    other = pki.issue("/CN=other", { issuer: intermediate, extensions: leafExtensions("DNS:other.test") });
    expected = checked({ certPem: leaf.pem, issuerPem: intermediate.pem, privateKeyPem: leaf.keyPem });
    expect(expected.rootPem).toBe(null);
    // the root that each file has is told, and not sent
    expected = { ...expected, rootPem: root.pem };
  });
  afterAll(() => {
    pki.remove();
    rmSync(folder, { recursive: true });
  });

  const check = (args: Properties) => certificateChain.check({}, args, new Date());

  function checked(args: Properties): Properties {
    const { inputs, failures } = check(args);
    expect(failures ?? []).toEqual([]);
    return inputs as Properties;
  }

  /** What openssl writes with these arguments, as bytes. */
  function written(...args: string[]): Buffer {
    execFileSync(openssl, [...args, "-out", join(folder, "written")], { stdio: "pipe" });
    return readFileSync(join(folder, "written"));
  }

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  const issuers = () => file("issuers.pem", root.pem + intermediate.pem);
  const leafFile = () => file("leaf.pem", leaf.pem);
  const pkcs7 = (form: string) =>
    written("crl2pkcs7", "-nocrl", "-certfile", issuers(), "-certfile", leafFile(), "-outform", form);
  const pkcs12 = (...flags: string[]) =>
    written(
      "pkcs12",
      "-export",
      "-in",
      leafFile(),
      "-inkey",
      file("leaf.key", leaf.keyPem),
      "-certfile",
      issuers(),
      ...flags,
    );

  it("from PKCS#7 in PEM, root included", () => {
    expect(checked({ certPem: pkcs7("PEM").toString(), privateKeyPem: leaf.keyPem })).toEqual(expected);
  });

  it("from PKCS#7 in DER, as base64", () => {
    expect(checked({ certPem: pkcs7("DER").toString("base64"), privateKeyPem: leaf.keyPem })).toEqual(expected);
  });

  it("from a DER certificate, with its intermediates in PKCS#7", () => {
    const certPem = written("x509", "-in", leafFile(), "-outform", "DER").toString("base64");
    const issuerPem = pkcs7("PEM").toString();
    expect(checked({ certPem, issuerPem, privateKeyPem: leaf.keyPem })).toEqual(expected);
  });

  it("from PKCS#12 alone, key included; the file and its password are not kept", () => {
    const inputs = checked({
      pkcs12: pkcs12("-passout", `pass:${PASSWORD}`).toString("base64"),
      passphrase: PASSWORD,
      roots: root.pem,
      hostnames: ["shop.test"],
    });
    expect(inputs).toMatchObject(expected);
    expect(Object.keys(inputs)).not.toContain("pkcs12");
    expect(JSON.stringify(inputs)).not.toContain(PASSWORD);
  });

  it("from PKCS#12 with the old encryption and an empty password", () => {
    const pfx = pkcs12("-legacy", "-passout", "pass:").toString("base64");
    expect(checked({ pkcs12: pfx, passphrase: "" })).toEqual(expected);
  });

  /** A file whose key belongs to another certificate: openssl refuses to write one, so the certificate stands beside it. */
  const withStrangeKey = () =>
    written(
      ...["pkcs12", "-export", "-nocerts", "-inkey", file("other.key", other.keyPem), "-passout", `pass:${PASSWORD}`],
    ).toString("base64");

  it("is refused with one failure that names the property and says what to do, and never the password", () => {
    const pfx = pkcs12("-passout", `pass:${PASSWORD}`).toString("base64");
    const otherKey = other.keyPem;
    const cases: [Properties, RegExp][] = [
      [{ pkcs12: pfx }, /^pkcs12: .*password/],
      [{ pkcs12: pfx, passphrase: "wrong-one" }, /^pkcs12: .*password/],
      [
        { certPem: leaf.pem, pkcs12: withStrangeKey(), passphrase: PASSWORD },
        /^pkcs12: .*none of its private keys.*Hint: /,
      ],
      [{ pkcs12: leaf.pem }, /^pkcs12: found PEM, expected a PKCS#12 file/],
      [{ pkcs12: pfx, passphrase: PASSWORD, privateKeyPem: otherKey }, /^privateKeyPem: is given beside pkcs12/],
      [{ certPem: pfx, privateKeyPem: leaf.keyPem }, /^certPem: /],
      [{ pkcs12: pfx, passphrase: PASSWORD, hostnames: ["else.test"] }, /^hostnames: .*else\.test/],
    ];
    for (const [args, failure] of cases) {
      const failures = check(args).failures?.map(renderFailure) ?? [];
      expect(failures).toEqual([expect.stringMatching(failure)]);
      expect(failures.join()).not.toMatch(/hunter2|wrong-one|PRIVATE KEY/);
    }
  });
});
