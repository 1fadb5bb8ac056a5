// Fetches from a real server on loopback, which answers well and in every bad way; no connection outlives a fetch.
import { createPublicKey } from "node:crypto";
import { getEventListeners } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { errorCodes, isTlsError, type TlsError } from "../../../../provider/src/errors";
import { fetchIssuers, type IssuerFetchOptions } from "../../../../provider/src/network/aia/fetch";
import { nextAnswer } from "../../../support/client-answer";
import { timersLeftBy } from "../../../support/left-timers";
import { freePorts } from "../../../support/ports";
import { type AiaServer, startAiaServer } from "../../../support/x509/aia-server";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
let root: IssuedPair;
let intermediate: IssuedPair;
let web: IssuedPair;
let server: AiaServer;

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  intermediate = pki.issue("Intermediate", { issuer: root, extensions: caExtensions(0) });
  web = pki.issue("web", { issuer: root, extensions: leafExtensions("IP:127.0.0.1") });
});
afterAll(() => pki.remove());

beforeEach(async () => {
  server = await startAiaServer([intermediate.pem, root.pem]);
});
afterEach(async () => {
  vi.useRealTimers();
  // a fetch that leaves its connection open hangs here
  await server.idle();
  await server.stop();
});

const inside: IssuerFetchOptions = { allowPrivateAddresses: true };

async function subjects(url: string, options = inside): Promise<string[]> {
  return (await fetchIssuers(url, options)).map(({ subject }) => subject);
}

async function failure(url: string, options = inside): Promise<TlsError> {
  try {
    await fetchIssuers(url, options);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was fetched without a failure");
}

describe("fetchIssuers reads", () => {
  it.each([
    ["one certificate in DER", "/issuer.cer", ["CN=Intermediate"]],
    ["certificates in PEM", "/issuer.pem", ["CN=Intermediate", "CN=Root"]],
    ["PKCS#7 in DER by openssl", "/issuers.p7c", ["CN=Intermediate", "CN=Root"]],
    ["PKCS#7 in PEM by openssl", "/issuers.p7b", ["CN=Intermediate", "CN=Root"]],
    ["what it is redirected to", "/redirect", ["CN=Intermediate"]],
    ["what three redirections lead to", "/redirects?times=3", ["CN=Intermediate"]],
  ])("%s", async (_, path, expected) => {
    expect(await subjects(server.url(path))).toEqual(expected);
  });

  it.each([301, 302, 303, 307, 308])("what status %i leads to, by a path and by a URL", async (status) => {
    for (const to of ["issuer.cer", server.url("/issuer.cer")]) {
      const url = server.url(`/redirect?status=${status}&to=${encodeURIComponent(to)}`);
      expect(await subjects(url)).toEqual(["CN=Intermediate"]);
    }
  });

  it("from a name, over whichever of its addresses answers", async () => {
    expect(await subjects(`http://localhost:${server.port}/issuer.cer`)).toEqual(["CN=Intermediate"]);
  });

  it("50 certificates, whatever type the server gives them", async () => {
    server.answers.set("/50", root.pem.repeat(50));
    expect(await subjects(server.url("/50"))).toHaveLength(50);
  });

  it("256 KiB to the byte", async () => {
    server.answers.set("/full", root.pem.padEnd(256 * 1024, "\n"));
    expect(await subjects(server.url("/full"))).toEqual(["CN=Root"]);
    server.answers.set("/over", root.pem.padEnd(256 * 1024 + 1, "\n"));
    expect(await failure(server.url("/over"))).toMatchObject({ code: "AIA_REFUSED" });
  });
});

describe("fetchIssuers sends", () => {
  it("one GET that tells nothing of the machine, over a connection that it closes", async () => {
    await fetchIssuers(server.url("/issuer.cer?id=5#x"), inside);
    await server.idle();
    expect(server.requests).toEqual([
      {
        method: "GET",
        path: "/issuer.cer?id=5",
        headers: {
          "user-agent": "pulumi-tls-gateway",
          accept: "application/pkix-cert, application/pkcs7-mime, */*;q=0.1",
          "accept-encoding": "identity",
          host: `127.0.0.1:${server.port}`,
          connection: "close",
        },
      },
    ]);
    expect(server.connections).toBe(1);
  });
});

describe("fetchIssuers refuses", () => {
  it.each([
    ["an address", "127.0.0.1", "127.0.0.1 is a loopback address"],
    ["an address as a number", "2130706433", "127.0.0.1 is a loopback address"],
    ["an address in hexadecimal", "0x7f.1", "127.0.0.1 is a loopback address"],
    ["an address in octal", "0177.0.0.01", "127.0.0.1 is a loopback address"],
    ["an address in full width", "127。0。0。1", "127.0.0.1 is a loopback address"],
    ["an address in IPv6", "[::ffff:127.0.0.1]", "::ffff:7f00:1 is a loopback address in IPv4-mapped form"],
    ["another one of this machine", "[::]", ":: is the unspecified address"],
    ["a name for it", "localhost", 'the name "localhost" has the address'],
  ])("%s that is not public, before it connects", async (_, host, found) => {
    const { code, reason, hint } = await failure(`http://${host}:${server.port}/issuer.cer`, {});
    expect(code).toBe("AIA_REFUSED");
    expect(reason).toContain(found);
    expect(reason).toContain("which is not connected to");
    expect(hint).toContain("allow private addresses");
    expect(server.connections).toBe(0);
  });

  it.each([
    [
      "ldap:",
      "ldap:///CN=CA?cACertificate",
      '"ldap:///CN=CA?…" has the scheme "ldap", only http and https are fetched',
    ],
    ["file:", "file:///etc/hosts", 'has the scheme "file"'],
    ["data:", "data:,x", 'has the scheme "data"'],
    ["a user", "http://me:hunter2@ca.test/x", '"http://ca.test/x" carries a user name or password'],
    ["a user without a password", "http://hunter2@ca.test/x", '"http://ca.test/x" carries a user name or password'],
    ["what is no URL", "ca.test/\u202e\n", '"ca.test/\\u{202e}\\u{a}" is no URL'],
    ["what is empty", "", '"" is no URL'],
    ["a port that is none", "http://ca.test:99999/", "is no URL"],
  ])("%s in a URL", async (_, url, found) => {
    const { code, message } = await failure(url);
    expect([code, message]).toEqual(["AIA_REFUSED", expect.stringContaining(found)]);
    expect(message).not.toContain("hunter2");
  });

  it.each([
    ["a redirection loop", "/redirect-loop", "AIA_REFUSED", "redirects more than 3 times"],
    ["a fourth redirection", "/redirects?times=4", "AIA_REFUSED", "redirects more than 3 times"],
    ["a redirection to ldap:", "/redirect-ldap", "AIA_REFUSED", 'has the scheme "ldap"'],
    ["a redirection without a place", "/redirect-nowhere", "AIA_REFUSED", "answered 302 without saying where to"],
    ["a redirection with a user", "/redirect?to=http://me:hunter2@127.0.0.1/", "AIA_REFUSED", "carries a user name"],
    ["a redirection of another kind", "/redirect?status=300", "AIA_REFUSED", "answered with status 300"],
    ["a body that says it is huge", "/huge-declared", "AIA_REFUSED", "the answer has 10240000 bytes, at most 262144"],
    ["a body that is huge", "/huge-chunked", "AIA_REFUSED", "bytes, at most 262144 bytes are read"],
    ["a body without an end", "/endless", "AIA_REFUSED", "bytes, at most 262144 bytes are read"],
    ["a compressed body", "/gzip.cer", "AIA_REFUSED", 'compressed (content-encoding "gzip")'],
    ["what is not there", "/nothing", "AIA_REFUSED", "answered with status 404"],
    ["no content", "/status?code=204", "AIA_REFUSED", "answered with status 204"],
    ["what does not speak HTTP", "/not-http", "AIA_REFUSED", "does not speak HTTP or TLS as it should (HPE_"],
    ["a failing server", "/status?code=500", "AIA_UNREACHABLE", "answered with status 500"],
    ["a server that cuts its answer", "/reset", "AIA_UNREACHABLE", "cut by the other side (ECONNRESET)"],
    ["a server that cuts before it", "/reset-before", "AIA_UNREACHABLE", "cut by the other side (ECONNRESET)"],
    ["a server that changes its protocol", "/upgrade", "AIA_REFUSED", "answered with status 101"],
    ["a web page", "/page.html", "AIA_INVALID", "answered with a web page, not with a certificate"],
    ["half a certificate", "/truncated.cer", "AIA_INVALID", "100 bytes are no certificate"],
    ["nothing", "/empty", "AIA_INVALID", "the answer is empty"],
    ["a private key among certificates", "/key.pem", "AIA_INVALID", "the answer holds a private key"],
  ] as const)("%s", async (_, path, code, found) => {
    const error = await failure(server.url(path));
    expect([error.code, error.reason]).toEqual([code, expect.stringContaining(found)]);
    expect(error.reason).toContain(`from "${server.url(path).replace(/\?.*/, "?…")}"`);
    expect(error.reason).toMatch(/[^.]\.$/);
    expect(error.hint).toMatch(/by hand/);
    expect(error.message).not.toMatch(/hunter2|BEGIN|sorry|ESMTP/);
    await server.idle();
  });

  it("keys and PKCS#12 in every form, and more certificates than a CA has", async () => {
    const { keyFile, file } = intermediate;
    const inDer = (name: string, ...args: string[]) => {
      pki.run([...args, "-outform", "DER", "-out", name]);
      return readFileSync(join(pki.folder, name));
    };
    pki.run(["pkcs12", "-export", "-in", file, "-inkey", keyFile, "-out", "x.p12", "-passout", "pass:"]);
    const pkcs12 = readFileSync(join(pki.folder, "x.p12"));
    const block = (label: string, der: Buffer) =>
      `-----BEGIN ${label}-----\n${der.toString("base64")}\n-----END ${label}-----\n`;
    const cases: [Buffer | string, string][] = [
      [inDer("plain.der", "pkcs8", "-topk8", "-nocrypt", "-in", keyFile), "holds a private key"],
      [inDer("locked.der", "pkcs8", "-topk8", "-passout", "pass:x", "-in", keyFile), "holds a private key"],
      [inDer("sec1.der", "ec", "-in", keyFile), "holds a private key"],
      [pki.run(["pkcs8", "-topk8", "-passout", "pass:x", "-in", keyFile]), "holds a private key"],
      [pki.run(["ec", "-aes256", "-passout", "pass:x", "-in", keyFile]), "holds a private key"],
      [pkcs12, "is a PKCS#12 file"],
      [root.pem + block("CERTIFICATE", pkcs12), "is a PKCS#12 file"],
      [root.pem + block("PKCS12", pkcs12), "is a PKCS#12 file"],
      [createPublicKey(root.pem).export({ type: "spki", format: "pem" }), "neither a certificate nor a private key"],
      [root.pem.slice(0, 200), "no END line"],
      ["hello", "5 bytes are no certificate"],
      [root.pem.repeat(51), "holds 51 certificates, at most 50"],
    ];
    for (const [body, found] of cases) {
      server.answers.set("/x", body);
      const { code, reason } = await failure(server.url("/x"));
      expect([code, reason]).toEqual(["AIA_INVALID", expect.stringContaining(found)]);
    }
  });
});

describe("fetchIssuers tells", () => {
  it.each([429, 503])("when status %i says to come back, in seconds or as a date", async (code) => {
    const ask = (after: string) => failure(server.url(`/status?code=${code}&retry-after=${encodeURIComponent(after)}`));
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-12-01T12:00:00.750Z") });
    expect(await ask("120")).toMatchObject({ code: "AIA_UNREACHABLE", retryAt: "2026-12-01T12:02:00Z" });
    const { message } = await ask("Wed, 21 Oct 2099 07:28:00 GMT");
    expect(message).toContain(`answered with status ${code}. Retry after 2099-10-21T07:28:00Z. Hint: `);
    expect((await ask("soon")).retryAt).toBeUndefined();
    expect((await failure(server.url("/status?code=500&retry-after=120"))).retryAt).toBeUndefined();
  });

  it("the first URL and that of the redirection, without their queries, cut when they are long", async () => {
    const { reason } = await failure(server.url("/redirect?to=/nothing%3Fsignature=hunter2"));
    expect(reason).toBe(
      `fetching the issuer's certificate from "${server.url("/redirect?…")}", redirected to "${server.url("/nothing?…")}": the server answered with status 404.`,
    );
    const long = await failure(server.url(`/${"x".repeat(5000)}`));
    expect(long.message.length).toBeLessThan(500);
  });

  it("whether a repetition may help", () => {
    expect(errorCodes).toMatchObject({
      AIA_UNREACHABLE: { retry: true },
      AIA_REFUSED: { retry: false },
      AIA_INVALID: { retry: false },
    });
  });
});

describe("fetchIssuers ends", () => {
  it.each([
    ["a server that is silent", "/silent", "it was connected to and has not answered"],
    ["a server that stops after its headers", "/stalled", "only 0 bytes of its answer have come"],
    ["a server that sends a byte now and then", "/slow-drip", "bytes of its answer have come"],
  ])("after its time with %s", async (_, path, reached) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = nextAnswer();
    const failing = failure(server.url(path), { ...inside, timeoutSeconds: 7 });
    while (server.requests.length === 0) await new Promise(setImmediate);
    const socket = path === "/silent" ? undefined : (await answer).socket;
    vi.advanceTimersByTime(6999);
    // what still comes gives the server no more time
    const before = socket?.bytesRead;
    while (path === "/slow-drip" && socket?.bytesRead === before) await new Promise(setImmediate);
    vi.advanceTimersByTime(1);
    const { code, reason } = await failing;
    expect(code).toBe("AIA_UNREACHABLE");
    expect(reason).toContain("it took longer than 7 s; ");
    expect(reason).toContain(reached);
    await server.idle();
  });

  it("when its signal says so, also before it begins", async () => {
    const abort = new AbortController();
    const fetched = failure(server.url("/silent"), { ...inside, signal: abort.signal });
    while (server.requests.length === 0) await new Promise(setImmediate);
    abort.abort();
    expect(await fetched).toMatchObject({
      code: "AIA_UNREACHABLE",
      reason: expect.stringContaining("it was given up by its caller; it was connected to and has not answered."),
    });
    await server.idle();
    expect((await failure(server.url("/issuer.cer"), { ...inside, signal: abort.signal })).reason).toContain(
      "it was given up by its caller; no connection came about.",
    );
    expect(server.connections).toBe(1);
  });

  it("with no timer and no listener left behind", async () => {
    const { signal } = new AbortController();
    for (const path of ["/issuer.cer", "/nothing", "/huge-chunked"]) {
      const settled = () => Promise.allSettled([fetchIssuers(server.url(path), { ...inside, signal })]);
      expect(await timersLeftBy(settled)).toBe(0);
      expect(getEventListeners(signal, "abort")).toEqual([]);
    }
  });

  it("when nobody listens", async () => {
    const [port] = await freePorts(1);
    const { code, reason } = await failure(`http://127.0.0.1:${port}/issuer.cer`);
    expect([code, reason]).toEqual(["AIA_UNREACHABLE", expect.stringContaining("refused (ECONNREFUSED).")]);
  });

  it.each([0, -1, Number.NaN, 1e9])("at once as a mistake of a programmer with %d seconds", async (timeoutSeconds) => {
    await expect(fetchIssuers(server.url("/issuer.cer"), { ...inside, timeoutSeconds })).rejects.toThrow(TypeError);
  });
});

describe("fetchIssuers over https", () => {
  let secure: AiaServer;
  const bundled = getCACertificates("default");
  beforeEach(async () => {
    secure = await startAiaServer([intermediate.pem], { tls: { cert: web.pem, key: web.keyPem } });
  });
  afterEach(async () => {
    setDefaultCACertificates(bundled);
    await secure.idle();
    await secure.stop();
  });

  it("reads from a server that is trusted, and never follows it to http", async () => {
    setDefaultCACertificates([...bundled, root.pem]);
    expect(await subjects(secure.url("/redirect"))).toEqual(["CN=Intermediate"]);
    expect(await subjects(server.url(`/redirect?to=${secure.url("/issuer.cer")}`))).toEqual(["CN=Intermediate"]);
    const { code, reason } = await failure(secure.url(`/redirect?to=${server.url("/issuer.cer")}`));
    expect([code, reason]).toEqual(["AIA_REFUSED", expect.stringContaining("redirects from https to http, to ")]);
    expect(server.requests).toHaveLength(1);
  });

  it("refuses a server that is not trusted, or has another name, or speaks no TLS", async () => {
    const untrusted = await failure(secure.url("/issuer.cer"));
    expect([untrusted.code, untrusted.reason]).toEqual([
      "AIA_REFUSED",
      expect.stringContaining("is not trusted (UNABLE_TO_"),
    ]);
    setDefaultCACertificates([...bundled, root.pem]);
    const other = await failure(`https://localhost:${secure.port}/issuer.cer`);
    expect([other.code, other.reason]).toEqual([
      "AIA_REFUSED",
      expect.stringContaining("(ERR_TLS_CERT_ALTNAME_INVALID)"),
    ]);
    expect(secure.requests).toEqual([]);
    const plain = await failure(server.url("/issuer.cer").replace("http:", "https:"));
    expect([plain.code, plain.reason]).toEqual(["AIA_REFUSED", expect.stringMatching(/\((EPROTO|ERR_SSL_)/)]);
  });
});
