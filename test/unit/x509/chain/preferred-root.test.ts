// Which of several ways a chain goes when roots have cross-signed each other, over certificates by openssl.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChainInput, readCertificates, readChain } from "../../../../provider/src/x509/chain/chain";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

const join = (...pairs: readonly IssuedPair[]) => pairs.map((pair) => pair.pem).join("");
const read = (certificates: string, rest: Partial<ChainInput> = {}) =>
  readChain({ certificates, now: new Date(), ...rest });
const trust = (...pairs: readonly IssuedPair[]) => ({ roots: readCertificates(join(...pairs), "roots") });
/** The chain as a server sends it. */
const sent = (chain: ReturnType<typeof read>) => [chain.leaf, ...chain.intermediates].map((one) => one.pem).join("");

describe("a chain with a preferred root", () => {
  let root: IssuedPair;
  let middle: IssuedPair;
  let lower: IssuedPair;
  let leaf: IssuedPair;
  let otherRoot: IssuedPair;
  let cross: IssuedPair;
  beforeAll(() => {
    root = pki.issue("Root", { extensions: caExtensions() });
    middle = pki.issue("Middle", { issuer: root, extensions: caExtensions() });
    lower = pki.issue("Lower", { issuer: middle, extensions: caExtensions(0) });
    leaf = pki.issue("Leaf", { issuer: lower, extensions: leafExtensions("DNS:example.com") });
    otherRoot = pki.issue("/O=Old, Inc./CN=Other Root", { extensions: caExtensions() });
    cross = pki.issue("Middle", { issuer: otherRoot, keyOf: middle, extensions: caExtensions() });
  });

  it.each([
    ["Root", () => [leaf, lower, middle], () => root],
    ["other root", () => [leaf, lower, cross], () => otherRoot],
    ["CN=Other Root, O=Old\\, Inc.", () => [leaf, lower, cross], () => otherRoot],
  ])("takes the way to %s", (preferredRoot, expected, end) => {
    const pool = join(root, otherRoot, cross, middle, lower, leaf);
    for (const rest of [{}, trust(root, otherRoot)]) {
      const chain = read(pool, { preferredRoot, ...rest });
      expect(sent(chain)).toBe(join(...expected()));
      expect(chain.root?.pem).toBe(end().pem);
    }
    // the root itself need not be there
    expect(sent(read(join(cross, middle, lower, leaf), { preferredRoot }))).toBe(join(...expected()));
  });

  it("takes it by the SHA-256 of the root", () => {
    const [{ fingerprintSha256: preferredRoot } = { fingerprintSha256: "" }] = readCertificates(otherRoot.pem, "x");
    const chain = read(join(root, otherRoot, cross, middle, lower, leaf), { preferredRoot });
    expect(chain.root?.pem).toBe(otherRoot.pem);
  });

  it("that no way leads to is an error, which names those that there are", () => {
    const { findings } = read(join(root, otherRoot, cross, middle, lower, leaf), { preferredRoot: "Root X1" });
    expect(findings[0]).toMatchObject({ severity: "error", property: "preferredRoot" });
    expect(findings[0]?.reason).toMatch(/"Root X1": .* lead to .*CN=Other Root, O=Old\\, Inc\./);
  });
});
