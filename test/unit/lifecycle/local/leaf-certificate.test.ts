import { createPrivateKey, X509Certificate } from "node:crypto";
import * as peculiar from "@peculiar/x509";
import { beforeAll, describe, expect, it, test } from "vitest";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { leafCertificate } from "../../../../provider/src/lifecycle/local/leaf-certificate";
import { DAY } from "../../../../provider/src/text/time";
import { checked, created, issuer, leafOf, refused, TODAY, updated } from "../../../support/engine/lifecycle";

type Issuer = Awaited<ReturnType<typeof issuer>>;
let root: Issuer;
let other: Issuer;
let constrained: Issuer;
/** Ends on 2026-12-02. */
let ending: Issuer;
let requestPem: string;
const hostnames = ["a.test"];
const daysLater = (days: number) => new Date(TODAY.getTime() + days * DAY);

beforeAll(async () => {
  root = await issuer();
  other = await issuer();
  constrained = await issuer({ nameConstraints: { permittedDnsDomains: ["internal.test"] } });
  ending = await issuer({ validityDays: 10 });
  requestPem = await request("B.test", "10.0.0.5");
});

describe("check", () => {
  it("plans ninety days and sorts the names in their canonical forms, each once", () => {
    const names = ["b.test", "A.test", "a.test", "*.b.test", "bücher.test", "10.0.0.5", "2001:DB8::0:1", "me@A.test"];
    expect(checked(leafCertificate, { hostnames: names, ...root })).toMatchObject({
      hostnames: ["*.b.test", "10.0.0.5", "2001:db8::1", "a.test", "b.test", "me@a.test", "xn--bcher-kva.test"],
      validFrom: "2026-11-23T00:00:00Z",
      validTo: "2027-02-20T23:59:59Z",
    });
  });

  it("accepts its own result as it is, whatever the order of the names", () => {
    const once = checked(leafCertificate, { hostnames: ["b.test", "a.test"], ...root });
    const { validFrom: _, validTo: __, ...again } = once;
    expect(checked(leafCertificate, again, TODAY, once)).toEqual(once);
    expect(checked(leafCertificate, { hostnames: ["A.test", "b.test"], ...root }, daysLater(1), once)).toEqual(once);
  });

  it("keeps its dates until they are due, then plans the next life", () => {
    const olds = checked(leafCertificate, { hostnames, ...root });
    const args = { hostnames, ...root };
    expect(checked(leafCertificate, args, daysLater(58), olds)).toEqual(olds);
    expect(checked(leafCertificate, args, daysLater(59), olds).validTo).toBe("2027-04-20T23:59:59Z");
  });

  it("plans anew when its CA or what it says changes", () => {
    const olds = checked(leafCertificate, { hostnames, ...root });
    for (const change of [other, { usage: "client" }, { keyType: "P384" }, { hostnames: ["a.test", "b.test"] }]) {
      const inputs = checked(leafCertificate, { hostnames, ...root, ...change }, daysLater(1), olds);
      expect(inputs.validFrom).toBe("2026-11-24T00:00:00Z");
    }
  });

  it("ends with its CA, and does not renew again and again before that end", () => {
    const olds = checked(leafCertificate, { hostnames, ...ending });
    expect(olds.validTo).toBe("2026-12-02T23:59:59Z");
    for (const days of [1, 5, 8, 9]) {
      expect(checked(leafCertificate, { hostnames, ...ending }, daysLater(days), olds)).toEqual(olds);
    }
  });

  it("refuses a life beyond the CA only where it was asked for, and only when it is issued", () => {
    const asked = { hostnames, validityDays: 30, ...ending };
    expect(refused(leafCertificate, asked)).toEqual([
      expect.stringMatching(/^validityDays: 30 days from 2026-11-23.*outlive the CA, which ends on 2026-12-02.*Hint: /),
    ]);
    const olds = { ...checked(leafCertificate, { hostnames, ...ending }), validityDays: 30 };
    expect(checked(leafCertificate, asked, daysLater(1), olds)).toEqual(olds);
    expect(refused(leafCertificate, { hostnames, validityDays: 10, ...ending })).toEqual([]);
  });

  it("takes names, key and proof from a request, and other names in place of its own", () => {
    const inputs = checked(leafCertificate, { certificateRequestPem: requestPem, ...root });
    expect(inputs.hostnames).toEqual(["10.0.0.5", "b.test"]);
    expect(checked(leafCertificate, { hostnames, certificateRequestPem: requestPem, ...root }).hostnames).toEqual(
      hostnames,
    );
  });
});

describe("what a preview does not know", () => {
  it("is left alone, and what depends on it is unknown: the CA", () => {
    const inputs = checked(leafCertificate, { hostnames, caCertPem: UNKNOWN, caPrivateKeyPem: UNKNOWN });
    expect(inputs).toMatchObject({ hostnames, caCertPem: UNKNOWN, validFrom: UNKNOWN, validTo: UNKNOWN });
  });

  it("of the CA need not be its end: then the dates are planned", () => {
    const ca = { caCertPem: UNKNOWN, caPrivateKeyPem: UNKNOWN, caValidTo: "2026-12-24T00:00:00Z" };
    const inputs = checked(leafCertificate, { hostnames, ...ca });
    expect(inputs).toMatchObject({ validTo: "2026-12-24T00:00:00Z" });
    expect(inputs).not.toHaveProperty("caValidTo");
  });

  it("of the CA need not be its constraints: a name outside is refused already", () => {
    const ca = { caCertPem: UNKNOWN, caPrivateKeyPem: UNKNOWN };
    const caNameConstraints = { permittedDnsDomains: ["internal.test"] };
    expect(refused(leafCertificate, { hostnames, ...ca, caNameConstraints })).toEqual([
      expect.stringMatching(/^hostnames: the CA may not issue for a\.test/),
    ]);
  });

  it("is left alone: names, a request, a length of life", () => {
    expect(checked(leafCertificate, { ...root, hostnames: UNKNOWN }).hostnames).toBe(UNKNOWN);
    expect(checked(leafCertificate, { ...root, certificateRequestPem: UNKNOWN }).hostnames).toBe(UNKNOWN);
    expect(checked(leafCertificate, { ...root, hostnames, validityDays: UNKNOWN }).validTo).toBe(UNKNOWN);
    expect(
      checked(leafCertificate, { ...root, hostnames, subject: UNKNOWN, keyType: UNKNOWN, usage: UNKNOWN }),
    ).toMatchObject({
      subject: UNKNOWN,
      keyType: UNKNOWN,
      usage: UNKNOWN,
      validTo: "2027-02-20T23:59:59Z",
    });
  });
});

describe("bad input gets one failure that begins with its property", () => {
  const cases: [string, () => object, RegExp][] = [
    ["no name", () => ({ hostnames: [] }), /^hostnames: no name is given.*Hint: give at least one/],
    ["an empty label", () => names("a..test"), /^hostnames\[0\]: "a\.\.test": a label is empty/],
    ["an underscore", () => names("a.test", "a_b.test"), /^hostnames\[1\]: "a_b\.test": .*underscore/],
    ["over 253 octets", () => names(`${"a234567.".repeat(32)}test`), /^hostnames\[0\]: .*260 octets; at most 253/],
    ["a wildcard not leftmost", () => names("a.*.test"), /^hostnames\[0\]: "a\.\*\.test": a wildcard must be/],
    ["an address with a port", () => names("10.0.0.1:443"), /^hostnames\[0\]: .*port.*Hint/],
    ["a name that is a number", () => names(5), /^hostnames\[0\]: found a number, expected a name/],
    ["names that are text", () => ({ hostnames: "a.test" }), /^hostnames: found a text, expected a list of names/],
    ["a thousand and one names", () => ({ hostnames: Array(1001).fill("a.test") }), /^hostnames: has more than 1000/],
    ["10 MB for a name", () => names("x".repeat(1e7)), /^hostnames\[0\]: is longer than 2048 characters/],
    ["826 days", () => ({ validityDays: 826 }), /^validityDays: found 826 days, expected at most 825: Apple/],
    ["no life", () => ({ validityDays: 0 }), /^validityDays: found 0 days, expected at least one second/],
    ["a renewal longer than the life", () => ({ minDaysRemaining: 90 }), /^minDaysRemaining: found 90 .* 90 days/],
    ["another use", () => ({ usage: "both" }), /^usage: found "both", expected "server" or "client"/],
    ["another kind of key", () => ({ keyType: "RSA1024" }), /^keyType: found "RSA1024", expected one of/],
    ["an attribute too long", () => ({ subject: { commonName: "x".repeat(65) } }), /^subject: .*commonName/],
    [
      "an unknown property",
      () => ({ hostname: "a" }),
      /^hostname: there is no such property; did you mean hostnames\?/,
    ],
    ["no CA", () => ({ caCertPem: undefined }), /^caCertPem: is missing, expected the certificate of the CA/],
    ["a CA that is garbage", () => ({ caCertPem: "garbage" }), /^caCertPem: expected one CA certificate, found 0/],
    [
      "a CA that is cut short",
      () => ({ caCertPem: root.caCertPem.slice(0, 200) }),
      /^caCertPem: PEM block 1 .* no END/,
    ],
    ["two CAs", () => ({ caCertPem: root.caCertPem + other.caCertPem }), /^caCertPem: expected one .* found 2/],
    [
      "the key of another CA",
      () => ({ caPrivateKeyPem: other.caPrivateKeyPem }),
      /^caPrivateKeyPem: .*CN=Example Root/,
    ],
    ["a key that is garbage", () => ({ caPrivateKeyPem: "garbage" }), /^caPrivateKeyPem: holds no private key/],
    ["a request that is garbage", () => ({ certificateRequestPem: "x" }), /^certificateRequestPem: .*no PEM block/],
    [
      "a certificate for a request",
      () => ({ certificateRequestPem: root.caCertPem }),
      /^certificateRequestPem: .*CERT/,
    ],
    [
      "a key type beside a request",
      () => ({ keyType: "P256", certificateRequestPem: requestPem }),
      /^keyType: is given/,
    ],
    [
      "constraints of a CA that are none",
      () => ({ caNameConstraints: { permittedDnsDomains: 5 } }),
      /^caNameConstraints\.permittedDnsDomains: found a number, expected a list/,
    ],
    [
      "an end of a CA that is none",
      () => ({ caValidTo: "soon" }),
      /^caValidTo: expected the end of the CA as ISO 8601/,
    ],
    [
      "a name that the CA may not issue",
      () => constrained,
      /^hostnames: the CA may not issue for a\.test: .*internal\.test/,
    ],
  ];
  test.each(cases)("%s", (_, change, failure) => {
    const failures = refused(leafCertificate, { hostnames, ...root, ...change() });
    expect(failures).toEqual([expect.stringMatching(failure)]);
    for (const line of root.caPrivateKeyPem.split("\n").slice(1, -2)) {
      expect(failures.join()).not.toContain(line.slice(0, 20));
    }
  });

  it("a CA that has expired", () => {
    expect(refused(leafCertificate, { hostnames, ...ending }, daysLater(11))).toContainEqual(
      expect.stringMatching(/^caCertPem: the CA .*CN=Example Root.* expired on 2026-12-02.*Hint: renew/),
    );
  });

  it("but not a leaf that was accepted before: a CA that expired since must not block every later up", () => {
    const olds = checked(leafCertificate, { hostnames, ...ending });
    expect(checked(leafCertificate, { hostnames, ...ending }, daysLater(11), olds)).toEqual(olds);
    const changed = { hostnames: ["b.test"], ...ending };
    expect(refused(leafCertificate, changed, daysLater(11), olds)).toContainEqual(
      expect.stringMatching(/^caCertPem: .* expired/),
    );
  });

  it("a leaf in place of a CA", async () => {
    const leaf = await leafOf(root);
    expect(refused(leafCertificate, { hostnames, ...root, caCertPem: leaf.certPem })).toEqual([
      expect.stringMatching(/^caCertPem: the certificate for a\.test is not a CA certificate/),
    ]);
  });

  it("a request that asks for no name", async () => {
    const nameless = await request();
    expect(refused(leafCertificate, { ...root, certificateRequestPem: nameless })).toEqual([
      expect.stringMatching(/^hostnames: the certificate request asks for no name/),
    ]);
  });
});

describe("the certificate", () => {
  it("is signed by its CA, has the planned dates and names, and a key of its own", async () => {
    const { inputs, state } = await created(leafCertificate, { hostnames: ["a.test", "10.0.0.5"], ...root });
    const certificate = new X509Certificate(state.certPem as string);
    expect(certificate.checkIssued(new X509Certificate(root.caCertPem))).toBe(true);
    expect(certificate.verify(new X509Certificate(root.caCertPem).publicKey)).toBe(true);
    expect(certificate.validToDate.toISOString()).toBe("2027-02-20T23:59:59.000Z");
    expect(certificate.subjectAltName).toBe("IP Address:10.0.0.5, DNS:a.test");
    expect(certificate.checkPrivateKey(createPrivateKey(state.privateKeyPem as string))).toBe(true);
    expect(state.serialNumber).toBe(certificate.serialNumber.toLowerCase());
    expect(inputs).not.toHaveProperty("privateKeyPem");
  });

  it("of a request has the key of the request, and none comes into the state", async () => {
    const { state } = await created(leafCertificate, { certificateRequestPem: requestPem, ...root });
    expect(state.privateKeyPem).toBeUndefined();
    const asked = new peculiar.Pkcs10CertificateRequest(requestPem);
    const publicKey = new X509Certificate(state.certPem as string).publicKey.export({ type: "spki", format: "der" });
    expect(publicKey.equals(Buffer.from(asked.publicKey.rawData))).toBe(true);
  });

  it("gets a new key at each issue", async () => {
    const args = { hostnames, ...root };
    const first = await created(leafCertificate, args);
    const second = await updated(leafCertificate, first, args, daysLater(60));
    expect(second.state.privateKeyPem).not.toBe(first.state.privateKeyPem);
    expect(second.state.serialNumber).not.toBe(first.state.serialNumber);
  });
});

test("the step is explained: issued, renewed with what is left, issued anew with what changed", async () => {
  const args = { hostnames, ...root };
  const { state } = await created(leafCertificate, args);
  const explain = (change: object, now: Date) =>
    leafCertificate.explain?.(state, checked(leafCertificate, { ...args, ...change }, now, state), now);
  const dates = "valid from 2026-11-23T00:00:00Z to 2027-02-20T23:59:59Z";
  expect(leafCertificate.explain?.(undefined, checked(leafCertificate, args), TODAY)).toBe(
    `issues a certificate: ${dates}`,
  );
  expect(explain({}, daysLater(1))).toBeUndefined();
  expect(explain({}, daysLater(60))).toMatch(/^renews: valid until 2027-02-20, 29 of 90 days left; then valid from/);
  expect(explain({ ...other, usage: "client" }, daysLater(1))).toMatch(
    /^issues the certificate anew, since usage, its CA changed: valid from 2026-11-24/,
  );
});

function names(...hostnames: unknown[]): object {
  return { hostnames };
}

/** A request made by another library. */
async function request(...subjectNames: string[]): Promise<string> {
  const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const extension = new peculiar.SubjectAlternativeNameExtension(
    subjectNames.map((value) => ({ type: /^[\d.]+$/.test(value) ? "ip" : "dns", value })),
  );
  const made = await peculiar.Pkcs10CertificateRequestGenerator.create({
    name: "",
    keys,
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions: subjectNames.length === 0 ? [] : [extension],
  });
  return made.toString("pem");
}
