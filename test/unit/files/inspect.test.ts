// Files of any form become one chain with its findings; bad files are findings too, and the rest is shown all the same.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InspectOptions, inspect } from "../../../provider/src/files/inspect";
import { caExtensions, day, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const pki = new OpensslPki();
const folder = mkdtempSync(join(tmpdir(), "inspect-"));
let [root, intermediate, leaf, other] = [] as unknown as [IssuedPair, IssuedPair, IssuedPair, IssuedPair];

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  intermediate = pki.issue("Intermediate", { issuer: root, extensions: caExtensions(0) });
  leaf = pki.issue("leaf.test", { issuer: intermediate, extensions: leafExtensions("DNS:leaf.test,IP:10.0.0.5") });
  const rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
  other = pki.issue("other.test", { issuer: intermediate, extensions: leafExtensions("DNS:other.test"), key: rsa });
});
afterAll(() => {
  pki.remove();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** Rows as words, and the codes of the findings. */
function summary(files: string | readonly string[], options: InspectOptions = {}) {
  const { isAccepted, certificates, findings } = inspect(files, options);
  return {
    isAccepted,
    rows: certificates.map(({ role, subject }) => `${role} ${subject}`),
    findings: findings.map(({ severity, code }) => `${severity} ${code}`),
  };
}

const chainRows = ["leaf CN=leaf.test", "intermediate CN=Intermediate", "root CN=Root"];

describe("inspect", () => {
  it("puts the certificates of all files in the order of sending, and tells the facts of each", () => {
    const issuers = file("issuers.pem", root.pem + intermediate.pem);
    const cert = file("leaf.pem", leaf.pem);
    const key = file("leaf.key", leaf.keyPem);
    const inspection = inspect([issuers, cert], { key, hostnames: ["leaf.test", "10.0.0.5"], roots: issuers });
    expect(inspection).toMatchObject({
      isAccepted: true,
      files: [
        { path: issuers, format: "PEM", certificates: 2, privateKeys: 0 },
        { path: cert, format: "PEM", certificates: 1, privateKeys: 0 },
        { path: key, format: "PEM", certificates: 0, privateKeys: 1 },
      ],
      privateKeys: [{ file: key, keyType: "P256", fits: true }],
      findings: [],
    });
    const [first, ...rest] = inspection.certificates;
    expect(first).toEqual({
      role: "leaf",
      file: cert,
      subject: "CN=leaf.test",
      issuer: "CN=Intermediate",
      validFrom: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      validTo: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      serialNumber: expect.stringMatching(/^[0-9a-f]+$/),
      fingerprintSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      keyType: "P256",
      names: ["leaf.test", "10.0.0.5"],
    });
    expect(rest.map((row) => [row.role, row.file, row.names])).toEqual([
      ["intermediate", issuers, undefined],
      ["root", issuers, undefined],
    ]);
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection);
  });

  it("shows the root that the chain leads to when it is trusted and not sent", () => {
    const roots = file("root.pem", root.pem);
    const { certificates, isAccepted } = inspect(file("two.pem", intermediate.pem + leaf.pem), { roots });
    expect(isAccepted).toBe(true);
    expect(certificates.map(({ role, file: path }) => `${role} ${path}`)).toEqual([
      `leaf ${join(folder, "two.pem")}`,
      `intermediate ${join(folder, "two.pem")}`,
      "root undefined",
    ]);
  });

  it("finds what the resource would refuse", () => {
    const chain = file("chain.pem", leaf.pem + intermediate.pem + root.pem);
    const otherKey = file("other.key", other.keyPem);
    expect(summary(chain, { hostnames: ["else.test"] }).findings).toEqual(["error HOSTNAME_UNCOVERED"]);
    expect(summary(chain, { roots: "system" }).findings).toEqual(["error CHAIN_INVALID"]);
    expect(summary(chain, { now: new Date(Date.now() + 200 * day) }).findings).toContain("error CERTIFICATE_EXPIRED");
    expect(summary(chain, { key: otherKey })).toEqual({
      isAccepted: false,
      rows: chainRows,
      findings: ["error KEY_MISMATCH"],
    });
    expect(inspect(chain, { key: otherKey }).privateKeys).toEqual([
      { file: otherKey, keyType: "RSA2048", fits: false },
    ]);
  });

  it("chooses the key that fits, and warns of one that belongs to nothing", () => {
    const files = [
      file("keys.pem", other.keyPem + leaf.keyPem),
      file("chain.pem", leaf.pem + intermediate.pem + root.pem),
    ];
    expect(summary(files)).toEqual({ isAccepted: true, rows: chainRows, findings: ["warning KEY_MISMATCH"] });
  });

  it("lists all certificates where there is no one chain, by what each is", () => {
    const twoLeaves = file("leaves.pem", leaf.pem + other.pem + leaf.pem);
    expect(summary(twoLeaves)).toEqual({
      isAccepted: false,
      rows: ["leaf CN=leaf.test", "leaf CN=other.test"],
      findings: ["error CHAIN_INVALID"],
    });
    // with the key of one it is the leaf, and the other has no place
    expect(summary(twoLeaves, { key: file("leaf.key", leaf.keyPem) }).rows).toEqual([
      "leaf CN=leaf.test",
      "unused CN=other.test",
    ]);
    expect(summary(file("cas.pem", root.pem + intermediate.pem))).toEqual({
      isAccepted: false,
      rows: ["root CN=Root", "intermediate CN=Intermediate"],
      findings: ["error CHAIN_INCOMPLETE"],
    });
  });

  it("makes a finding of a file that can't be read, with its name, and shows the others", () => {
    const chain = file("chain.pem", leaf.pem + intermediate.pem + root.pem);
    const [none, junk] = [join(folder, "none.pem"), file("junk.pem", "hello")];
    const inspection = inspect([none, chain, junk], { roots: none });
    expect(inspection.files.map(({ format }) => format)).toEqual([undefined, "PEM", undefined]);
    expect(inspection.findings.map(({ code, file: path, hint }) => [code, path, hint.length > 0])).toEqual([
      ["FILE_UNREADABLE", none, true],
      ["CONTAINER_INVALID", junk, true],
      ["FILE_UNREADABLE", none, true],
    ]);
    expect(inspection.certificates).toHaveLength(3);
    expect(summary(none).findings).toEqual(["error FILE_UNREADABLE"]);
    expect(summary(file("leaf.key", leaf.keyPem)).findings).toEqual(["error CHAIN_INCOMPLETE"]);
    expect(summary(chain, { hostnames: ["a b"] }).findings).toEqual(["error IDENTIFIER_INVALID"]);
    expect(summary(chain, { roots: file("leaf.key", leaf.keyPem) }).findings).toEqual(["error CONTAINER_INVALID"]);
  });

  it("opens keys and PKCS#12 by the passphrase, and shows the certificates beside a key that stays shut", () => {
    pki.run(["ec", "-in", leaf.keyFile, "-aes128", "-passout", "pass:secret", "-out", "shut.key"]);
    pki.write("issuers.pem", intermediate.pem + root.pem);
    pki.run(
      `pkcs12 -export -in ${leaf.file} -inkey ${leaf.keyFile} -certfile issuers.pem -passout pass:secret -out a.pfx`.split(
        " ",
      ),
    );
    const shut = readFileSync(join(pki.folder, "shut.key"), "utf8");
    const combined = file("combined.pem", shut + leaf.pem + intermediate.pem + root.pem);
    const pfx = file("a.pfx", readFileSync(join(pki.folder, "a.pfx")));
    for (const [path, code] of [
      [combined, "KEY_ENCRYPTED"],
      [pfx, "CONTAINER_ENCRYPTED"],
    ] as const) {
      expect(summary(path, { passphrase: "secret" })).toEqual({ isAccepted: true, rows: chainRows, findings: [] });
      expect(inspect(path, { passphrase: "secret" }).privateKeys).toEqual([
        { file: path, keyType: "P256", fits: true },
      ]);
      for (const options of [{}, { passphrase: "wrong-one" }]) {
        const inspection = inspect(path, options);
        expect(inspection.findings).toMatchObject([{ severity: "error", code, file: path }]);
        expect(inspection.certificates).toHaveLength(path === combined ? 3 : 0);
        expect(JSON.stringify(inspection)).not.toContain("wrong-one");
      }
    }
    expect(inspect(pfx).files).toEqual([{ path: pfx, format: "PKCS#12", certificates: 0, privateKeys: 0 }]);
  });

  it("does not repeat a key that was given in place of a path", () => {
    expect(JSON.stringify(inspect(leaf.keyPem))).not.toMatch(/BEGIN|[A-Za-z0-9+/]{40}/);
  });
});
