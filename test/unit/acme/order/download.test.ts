import { generateKeyPairSync, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { choosePreferredChain, type OfferedChain } from "../../../../provider/src/acme/order/download";
import type { Certificate } from "../../../../provider/src/x509/certificate/certificate";
import { issueCaCertificate, issueLeafCertificate } from "../../../../provider/src/x509/certificate/issue";
import { parseIdentifier } from "../../../../provider/src/x509/names/identifier";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const common = () => ({
  serialNumber: randomBytes(16),
  validFrom: new Date("2026-01-01T00:00:00Z"),
  validTo: new Date("2027-01-01T00:00:00Z"),
});

/** A chain whose last certificate was issued by a CA of this name. */
function chainOf(url: string, subject: Readonly<Record<string, string>>): OfferedChain {
  const ca = issueCaCertificate({ ...common(), subject, privateKey });
  const identifiers = [parseIdentifier("a.test")];
  const issue = (): Certificate =>
    issueLeafCertificate({ ...common(), ca, caPrivateKey: privateKey, publicKey, identifiers, usage: "server" });
  return { url, certificates: [issue(), issue()] };
}

const short = chainOf("https://ca.test/1", { commonName: "ISRG Root X2" });
const long = chainOf("https://ca.test/1/alternate/1", { organization: "ISRG", commonName: "ISRG Root X1" });
const nameless = chainOf("https://ca.test/1/alternate/2", { organization: "Old Roots" });

describe("the preferred chain", () => {
  it.each([
    ["ISRG Root X1", long],
    ["ISRG Root X2", short],
    ["O=Old Roots", nameless],
  ])("is the one that %s issued the last certificate of", (preferred, chain) => {
    const chosen = choosePreferredChain([short, long, nameless], preferred);
    expect(chosen).toEqual({ chain, isPreferred: true, tops: ["ISRG Root X2", "ISRG Root X1", "O=Old Roots"] });
  });

  it("is the CA's own choice when none is preferred", () => {
    expect(choosePreferredChain([long, short], undefined)).toMatchObject({ chain: long, isPreferred: true });
  });

  it.each(["ISRG Root", "isrg root x1", "ISRG", ""])("that is %j is not found: the CA's own is taken", (preferred) => {
    const chosen = choosePreferredChain([short, long], preferred);
    expect(chosen).toEqual({ chain: short, isPreferred: false, tops: ["ISRG Root X2", "ISRG Root X1"] });
  });

  it("is judged by the issuer of a leaf that comes alone", () => {
    const alone: OfferedChain = { url: "https://ca.test/2", certificates: [long.certificates[0]] };
    expect(choosePreferredChain([alone], "ISRG Root X1").isPreferred).toBe(true);
  });
});
