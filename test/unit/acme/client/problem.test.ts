// What CAs say, in their own words (Boulder's and Pebble's sources), and what a person is told to do about it.
import { describe, expect, it } from "vitest";
import { readLinks, readRetryMoment } from "../../../../provider/src/acme/client/headers";
import {
  AcmeError,
  explainAnswer,
  explainProblem,
  isAcmeError,
  readAnsweredProblem,
  readProblem,
} from "../../../../provider/src/acme/client/problem";
import { type ErrorCode, isTlsError, TlsError } from "../../../../provider/src/errors";

const urn = "urn:ietf:params:acme:error:";
const now = new Date("2026-12-01T06:00:00.500Z");

function explain(kind: string, detail: string, more: Readonly<Record<string, unknown>> = {}): AcmeError {
  const problem = readProblem({ type: `${urn}${kind}`, detail, ...more });
  if (problem === undefined) throw new Error("no problem");
  return explainProblem(problem, "issuing for example.com");
}

function answer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return { status, headers, body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)) };
}

describe("a problem of a CA becomes code and hint", () => {
  it.each<[string, string, ErrorCode, RegExp]>([
    ["dns", "DNS problem: NXDOMAIN looking up A for a.example.com", "ACME_UNAUTHORIZED", /not in the public DNS/],
    ["dns", "no valid A records found for a; no valid AAAA records found for a", "ACME_UNAUTHORIZED", /public DNS/],
    [
      "dns",
      "DNS problem: SERVFAIL looking up CAA for a - the domain's nameservers may be malfunctioning",
      "ACME_UNAUTHORIZED",
      /DNSSEC/,
    ],
    ["dns", "DNS problem: query timed out looking up TXT for a", "ACME_UNAUTHORIZED", /UDP and TCP/],
    ["unauthorized", "No TXT record found at _acme-challenge.a", "ACME_UNAUTHORIZED", /dig TXT/],
    [
      "unauthorized",
      'Incorrect TXT record "x" (and 1 more) found at _acme-challenge.a',
      "ACME_UNAUTHORIZED",
      /dig TXT/,
    ],
    [
      "connection",
      "192.0.2.1: Fetching http://a/.well-known/acme-challenge/x: Timeout during connect (likely firewall problem)",
      "ACME_UNAUTHORIZED",
      /port 80/,
    ],
    ["connection", "192.0.2.1: Fetching http://a/: Connection refused", "ACME_UNAUTHORIZED", /Nothing listens/],
    ["connection", "192.0.2.1: Connection reset by peer", "ACME_UNAUTHORIZED", /proxies and filters/],
    [
      "unauthorized",
      "192.0.2.1: Invalid response from http://a/.well-known/acme-challenge/x: 404",
      "ACME_UNAUTHORIZED",
      /Another server/,
    ],
    [
      "incorrectResponse",
      "The key authorization file from the server did not match this challenge",
      "ACME_UNAUTHORIZED",
      /Another server/,
    ],
    [
      "unauthorized",
      'Cannot negotiate ALPN protocol "acme-tls/1" for tls-alpn-01 challenge',
      "ACME_UNAUTHORIZED",
      /acme-tls\/1/,
    ],
    ["tls", "remote error: tls: internal error", "ACME_UNAUTHORIZED", /s_client/],
    ["caa", "CAA record for a prevents issuance", "ACME_UNAUTHORIZED", /dig CAA/],
    [
      "rateLimited",
      "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-12-02 07:00:01 UTC: see https://letsencrypt.org/docs/rate-limits/",
      "ACME_RATE_LIMITED",
      /certificates of the week: use the one/,
    ],
    [
      "rateLimited",
      'too many certificates (50) already issued for "example.com" in the last 168h0m0s',
      "ACME_RATE_LIMITED",
      /registered domain/,
    ],
    [
      "rateLimited",
      'too many failed authorizations (5) for "a" in the last 1h0m0s',
      "ACME_RATE_LIMITED",
      /why the last one failed/,
    ],
    [
      "rateLimited",
      "too many new orders (300) from this account in the last 3h0m0s",
      "ACME_RATE_LIMITED",
      /fewer certificates/,
    ],
    [
      "rateLimited",
      "too many new registrations (10) from this IP address in the last 3h0m0s",
      "ACME_RATE_LIMITED",
      /one account key/,
    ],
    [
      "rateLimited",
      "Your account is temporarily prevented from requesting certificates for a. Please visit: https://portal.test/unpause?jwt=x",
      "ACME_RATE_LIMITED",
      /open the link/,
    ],
    ["rateLimited", "Service busy; retry later.", "ACME_RATE_LIMITED", /fewer requests/],
    ["externalAccountRequired", "", "ACME_ACCOUNT", /externalAccountBinding/],
    ["unauthorized", "The external account binding is wrong", "ACME_ACCOUNT", /used up/],
    ["unauthorized", 'Account is not valid, has status "deactivated"', "ACME_ACCOUNT", /does not come back/],
    ["accountDoesNotExist", "No account exists with the provided key", "ACME_ACCOUNT", /accounts of their own/],
    ["userActionRequired", "Terms have changed", "ACME_ACCOUNT", /acceptTermsOfService/],
    ["invalidContact", "contact is no mail address", "ACME_ACCOUNT", /mail/],
    ["badCSR", "CSR has names that the order lacks", "ACME_REJECTED", /exactly those/],
    ["badPublicKey", "key is already in use", "ACME_REJECTED", /new one/],
    ["badPublicKey", "ed25519 is not supported", "ACME_REJECTED", /P256/],
    ["rejectedIdentifier", "Policy forbids issuing for name", "ACME_REJECTED", /never issues/],
    ["unsupportedIdentifier", "IP addresses", "ACME_REJECTED", /shortlived/],
    ["invalidProfile", "", "ACME_REJECTED", /outputs of AcmeAccount/],
    ["orderNotReady", "Order is not ready", "ACME_REJECTED", /run it again/],
    ["alreadyReplaced", "", "ACME_REJECTED", /without the reference/],
    ["conflict", "cannot indicate an order replaces", "ACME_REJECTED", /without the reference/],
    ["malformed", "JWS verification error", "ACME_REJECTED", /report it/],
    ["serverInternal", "Error creating new order", "ACME_UNREACHABLE", /status page/],
    ["unknownToUs", "", "ACME_REJECTED", /^$/],
  ])("%s: %s", (kind, detail, code, hint) => {
    const error = explain(kind, detail, { status: 403 });
    expect(error.code).toBe(code);
    expect(error.hint ?? "").toMatch(hint);
    expect(error.reason).toContain(`issuing for example.com: the CA answered ${kind}, status 403`);
    if (detail !== "") expect(error.reason, "the CA's own words").toContain(detail);
    expect(isTlsError(error)).toBe(true);
    expect(isAcmeError(error)).toBe(true);
  });

  it("names each identifier of a compound one, ten at most, and takes the code that they share", () => {
    const of = (value: string, kind: string) => ({
      type: `${urn}${kind}`,
      detail: `about ${value}`,
      identifier: { type: "dns", value },
    });
    const both = explain("compound", "Errors", { subproblems: [of("a.test", "caa"), of("b.test", "dns")] });
    expect(both.code).toBe("ACME_UNAUTHORIZED");
    expect(both.reason).toContain('; for "a.test" (caa): "about a.test"; for "b.test" (dns): "about b.test"');
    expect(both.hint, "of the first one").toContain("CAA");
    expect(both.problem?.subproblems).toHaveLength(2);
    const mixed = explain("compound", "", { subproblems: [of("a", "caa"), of("b", "rejectedIdentifier")] });
    expect(mixed.code).toBe("ACME_REJECTED");
    const many = explain("malformed", "", { subproblems: Array.from({ length: 30 }, (_, at) => of(`n${at}`, "dns")) });
    expect(many.reason).toContain('"n9"');
    expect(many.reason).not.toContain('"n10"');
    expect(many.reason).toContain("; and 20 more");
  });

  it("has the time in the text when no header says one", () => {
    expect(explain("rateLimited", "too many, retry after 2026-12-02 07:00:01 UTC: see").retryAt).toBe(
      "2026-12-02T07:00:01Z",
    );
  });

  it("keeps the link that ends a pause whole", () => {
    const link = `https://portal.letsencrypt.org/sfe/v1/unpause?jwt=${"eyJhbGciOiJIUzI1NiJ9".repeat(20)}`;
    expect(explain("rateLimited", `Your account is temporarily prevented. Please visit: ${link}`).message).toContain(
      link,
    );
  });

  it("lets a text neither break the line nor steer the terminal, nor be endless, nor show a key", () => {
    const { reason } = explain("malformed", "one\r\ntwo\u001b[31m\u202e\u0000three");
    expect(reason).toContain('"one two\\u{1b}[31m\\u{202e}\\u{0}three"');
    expect(explain("malformed", "x".repeat(1_000_000)).message.length).toBeLessThan(2000);
    const pem = "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADAN\n-----END PRIVATE KEY-----";
    expect(explain("malformed", `no: ${pem}`).message).not.toContain("MIIB");
    expect(explain('bad"\u001b', "").reason).toContain('the CA answered "bad"\\u{1b}"');
  });
});

describe("readProblem", () => {
  // patterns over such a text took 72 s, in which no deadline of the process was kept
  it("reads 2,048 characters of each text", () => {
    const long = "certificate ".repeat(100_000);
    const identifier = { type: "dns", value: long };
    const of = { type: `${urn}rateLimited${long}`, detail: long, instance: `https://ca.test/${long}` };
    const problem = readProblem({ ...of, subproblems: Array.from({ length: 5000 }, () => ({ ...of, identifier })) });
    const lengths = (value: unknown): readonly number[] =>
      typeof value === "string"
        ? [value.length]
        : typeof value === "object" && value !== null
          ? Object.values(value).flatMap(lengths)
          : [];
    expect(Math.max(...lengths(problem))).toBe(2048);
    expect(problem?.subproblems).toHaveLength(1000);
    const titled = readProblem({ type: "about:blank", title: long });
    expect(titled?.detail).toHaveLength(2048);
  });

  it.each([undefined, null, "", 5, [], {}, { status: 400 }])("takes %j for none", (value) => {
    expect(readProblem(value)).toBeUndefined();
  });

  it("takes members of another type for absent", () => {
    const odd = { type: 5, detail: "x", status: "400", subproblems: [null, 3, { identifier: null }], instance: 1 };
    expect(readProblem(odd)).toEqual({
      type: "about:blank",
      kind: "about:blank",
      detail: "x",
      subproblems: [{ type: "about:blank", kind: "about:blank", detail: "" }],
      links: [],
    });
  });
});

describe("an answer that is not 2xx", () => {
  it("gives its status, its links and the time of its header, which wins over its text", () => {
    const body = {
      type: `${urn}rateLimited`,
      detail: "retry after 2026-12-09 07:00:00 UTC",
      status: 400,
      instance: "https://ca.test/why",
    };
    const headers = {
      "retry-after": "90",
      link: '<https://ca.test/dir>;rel="index", <https://ca.test/help>;rel="help", <data:x>;rel="help"',
    };
    expect(readAnsweredProblem(answer(429, body, headers), now)).toMatchObject({
      kind: "rateLimited",
      status: 429,
      retryAfter: new Date("2026-12-01T06:01:30.500Z"),
      links: ["https://ca.test/why", "https://ca.test/help"],
    });
    const error = explainAnswer(answer(429, body, headers), "ordering", now);
    expect(error.retryAt, "rounded up").toBe("2026-12-01T06:01:31Z");
    expect(error.reason).toContain('See "https://ca.test/why", "https://ca.test/help".');
  });

  it.each<[number, unknown, Readonly<Record<string, string>>, ErrorCode]>([
    [404, "<html>", {}, "ACME_PROTOCOL"],
    [403, "", {}, "ACME_PROTOCOL"],
    [429, "slow down", {}, "ACME_RATE_LIMITED"],
    [500, "<html>", {}, "ACME_UNREACHABLE"],
    [502, "", {}, "ACME_UNREACHABLE"],
    [503, "", {}, "ACME_UNREACHABLE"],
    [503, "", { "retry-after": "5" }, "ACME_RATE_LIMITED"],
    [400, { type: "https://ca.test/odd", detail: "x" }, {}, "ACME_REJECTED"],
    [301, "", { location: "https://elsewhere.test/" }, "ACME_PROTOCOL"],
  ])("with status %i and body %j, %j, has the code %s", (status, body, headers, code) => {
    const error = explainAnswer(answer(status, body, headers), "ordering", now);
    expect(error.code).toBe(code);
    expect(error.problem).toMatchObject({ status });
    expect(error.reason).toContain(`status ${status}`);
    expect(error.message).not.toContain("<html>");
    if (headers.location !== undefined) expect(error.reason).toContain(headers.location);
  });
});

describe("readRetryMoment", () => {
  it.each<[string | undefined, string | undefined, string | undefined]>([
    ["10", undefined, "2026-12-01T06:00:10.500Z"],
    ["0", undefined, "2026-12-01T06:00:00.500Z"],
    ["Tue, 01 Dec 2026 06:01:00 GMT", undefined, "2026-12-01T06:01:00.500Z"],
    // the server's clock is two hours ahead: it means one minute
    ["Tue, 01 Dec 2026 08:01:00 GMT", "Tue, 01 Dec 2026 08:00:00 GMT", "2026-12-01T06:01:00.500Z"],
    ["10", "Tue, 01 Dec 2026 08:00:00 GMT", "2026-12-01T06:00:10.500Z"],
    ["Tue, 01 Dec 2026 05:00:00 GMT", undefined, "2026-12-01T06:00:00.500Z"],
    ["soon", undefined, undefined],
    ["-5", undefined, undefined],
    ["1.5", undefined, undefined],
    [undefined, undefined, undefined],
  ])("reads %s, the server's date being %s, as %s", (header, date, expected) => {
    const headers = { ...(header !== undefined && { "retry-after": header }), ...(date !== undefined && { date }) };
    expect(readRetryMoment(headers, now)?.toISOString()).toBe(expected);
  });
});

describe("readLinks", () => {
  it.each([
    [undefined, []],
    ["", []],
    ['<https://ca.test/1>;rel="alternate"', [["https://ca.test/1", "alternate"]]],
    ["<https://ca.test/1> ; REL = up", [["https://ca.test/1", "up"]]],
    [
      '<https://ca.test/a,b>;title="x,\\"<y>;rel=no";rel="alternate up", <c>;rel=index',
      [
        ["https://ca.test/a,b", "alternate"],
        ["https://ca.test/a,b", "up"],
        ["c", "index"],
      ],
    ],
    ["<https://ca.test/1>", []],
    ["nonsense", []],
  ])("reads %s", (header, expected) => {
    expect(readLinks(header).map(({ target, rel }) => [target, rel])).toEqual(expected);
  });

  it("reads junk of 100,000 characters in no time", () => {
    for (const junk of ["<", '<a>;"', "<a>;rel=", ",,,", '\\"']) readLinks(junk.repeat(100_000 / junk.length));
  });
});

it("isAcmeError tells what the CA said from what we say", () => {
  expect(isAcmeError(new TlsError("ACME_TIMEOUT", "late"))).toBe(false);
  expect(isAcmeError(new AcmeError("ACME_PROTOCOL", "odd"))).toBe(false);
  expect(isAcmeError(new Error("x"))).toBe(false);
});
