// What browsers refuse although RFC 5280 allows it, and where a certificate says that its issuer is to be had; made by openssl.
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readInformation } from "../../../../provider/src/x509/certificate/information";
import { adviseOn, isIssuedByPublicRoot } from "../../../../provider/src/x509/chain/advice";
import { judgeChain, readCertificates, systemRoots } from "../../../../provider/src/x509/chain/chain";
import { caExtensions, day, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

let root: IssuedPair;
beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions(), from: new Date("2020-01-01"), to: new Date("2040-01-01") });
});

/** Issued under the Baseline Requirements, as the certificate itself says. */
const isPublic = "certificatePolicies=2.23.140.1.2.1";
/** A list of certificate timestamps; its content is the business of the browsers. */
const timestamps = "1.3.6.1.4.1.11129.2.4.2=ASN1:FORMAT:HEX,OCTETSTRING:0001aa";
const mustStaple = "tlsfeature=status_request";

function issue(extensions: readonly string[], from = "2026-11-01", days = 90) {
  const start = new Date(from);
  const options = { issuer: root, from: start, to: new Date(start.getTime() + days * day - 1000) };
  return pki.issue("shop", { extensions: [...leafExtensions("DNS:shop.test"), ...extensions], ...options });
}

const read = (pair: IssuedPair) => readCertificates(pair.pem, "certPem");
const advice = (pair: IssuedPair, from = "2026-11-01") =>
  adviseOn(judgeChain(read(pair), { now: new Date(from) })).map(({ code }) => code);
const information = (...extensions: string[]) => {
  const [certificate] = read(issue(extensions));
  if (certificate === undefined) throw new Error("nothing was made");
  return readInformation(certificate);
};

describe("adviseOn", () => {
  it("says nothing of a private CA's certificate, however long it lives", () => {
    expect(advice(issue([], "2026-11-01", 3000))).toEqual([]);
  });

  it.each([
    ["2020-08-31", 399, false],
    ["2020-09-01", 398, false],
    ["2020-09-01", 399, true],
    ["2026-03-14", 398, false],
    ["2026-03-15", 200, false],
    ["2026-03-15", 201, true],
    ["2027-03-15", 100, false],
    ["2027-03-15", 101, true],
    ["2029-03-15", 47, false],
    ["2029-03-15", 48, true],
  ])("of a public CA issued on %s for %d days: too long is %s", (from, days, isTooLong) => {
    const pair = issue([isPublic, timestamps], from, days);
    expect(advice(pair, from)).toEqual(isTooLong ? ["LIFETIME_EXCEEDED"] : []);
  });

  it("names the days and the limit", () => {
    const now = new Date("2026-11-01");
    const [finding] = adviseOn(judgeChain(read(issue([isPublic, timestamps], "2026-11-01", 300)), { now }));
    expect(finding?.severity).toBe("warning");
    expect(finding?.reason).toBe(
      "CN=shop lives 300 days; of a public CA, issued on 2026-11-01, at most 200 are allowed",
    );
  });

  it("misses timestamps of a public CA alone", () => {
    expect(advice(issue([isPublic]))).toEqual(["TIMESTAMPS_MISSING"]);
    expect(advice(issue([isPublic, timestamps]))).toEqual([]);
    expect(advice(issue(["certificatePolicies=1.2.3.4"]))).toEqual([]);
  });

  it.each([
    ["-algorithm ED25519", ["CERTIFICATE_WEAK"]],
    ["-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", ["CERTIFICATE_WEAK"]],
    ["-algorithm EC -pkeyopt ec_paramgen_curve:P-521", []],
    ["-algorithm RSA -pkeyopt rsa_keygen_bits:3072", []],
  ])("of a key by %s: %j", (key, expected) => {
    expect(advice(pki.issue("shop", { issuer: root, key, extensions: leafExtensions("DNS:shop.test") }))).toEqual(
      expected,
    );
  });

  it("tells of must-staple whoever issued it", () => {
    expect(advice(issue([mustStaple]))).toEqual(["STAPLING_REQUIRED"]);
    expect(advice(issue(["tlsfeature=status_request_v2"]))).toEqual([]);
  });
});

describe("isIssuedByPublicRoot", () => {
  it("knows every bundled root by name and signature, and no other of the same name", () => {
    expect(systemRoots().filter((certificate) => !isIssuedByPublicRoot(certificate))).toEqual([]);
    expect(rootCertificates.length).toBeGreaterThan(100);
    const impostor = pki.issue("/C=US/O=Internet Security Research Group/CN=ISRG Root X1", {
      extensions: caExtensions(),
    });
    const [certificate] = read(impostor);
    expect(certificate?.subject).toBe(systemRoots().find(({ subject }) => subject.includes("ISRG Root X1"))?.subject);
    expect(certificate && isIssuedByPublicRoot(certificate)).toBe(false);
  });
});

describe("readInformation", () => {
  it("reads what openssl wrote", () => {
    const aia = "caIssuers;URI:http://ca.test/a.cer,OCSP;URI:http://ocsp.test,caIssuers;URI:ldap://ca.test/cn=a";
    expect(information(`authorityInfoAccess=${aia}`, isPublic, timestamps, mustStaple)).toEqual({
      caIssuers: ["http://ca.test/a.cer", "ldap://ca.test/cn=a"],
      policies: ["2.23.140.1.2.1"],
      hasTimestamps: true,
      mustStaple: true,
    });
  });

  it("takes what is not there, or can't be read, for absent", () => {
    const nothing = { caIssuers: [], policies: [], hasTimestamps: false, mustStaple: false };
    expect(information()).toEqual(nothing);
    const broken = ["1.3.6.1.5.5.7.1.1", "2.5.29.32", "1.3.6.1.5.5.7.1.24"].map((id) => `${id}=DER:04:01:00`);
    expect(information(...broken)).toEqual(nothing);
  });
});
