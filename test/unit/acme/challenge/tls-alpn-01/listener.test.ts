import { execFile, execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { connect, type PeerCertificate } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChallengeTask } from "../../../../../provider/src/acme/challenge/solver";
import {
  makeChallengeCertificate,
  serverNameOf,
} from "../../../../../provider/src/acme/challenge/tls-alpn-01/certificate";
import { createTlsAlpnSolver } from "../../../../../provider/src/acme/challenge/tls-alpn-01/listener";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import { isTlsError } from "../../../../../provider/src/errors";
import { freePorts } from "../../../../support/ports";

const address = "127.0.0.1";
let port: number;
let deadline: Deadline;

beforeEach(async () => {
  [port = 0] = await freePorts(1);
  deadline = new Deadline(60, systemClock);
});
afterEach(() => deadline.dispose());

const task = (value: string, token = `token-of-${value.replace(/[^a-z0-9]/g, "-")}`): ChallengeTask => ({
  identifier: { type: /^[0-9.]+$|:/.test(value) ? "ip" : "dns", value },
  isWildcard: false,
  token,
  keyAuthorization: `${token}.thumbprint`,
});
const solver = () => createTlsAlpnSolver({ type: "tls-alpn-01", port, address }, systemClock);
const digestOf = (one: ChallengeTask) => createHash("sha256").update(one.keyAuthorization).digest("hex");

/** A handshake: the certificate and the protocol, or the code of the failure. */
function handshake(
  servername: string | undefined,
  ALPNProtocols: string[] | undefined = ["acme-tls/1"],
): Promise<{ certificate: PeerCertificate; protocol: string | false | null } | string> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: address,
      ...(servername === undefined ? {} : { servername }),
      ...(ALPNProtocols.length === 0 ? {} : { ALPNProtocols }),
      rejectUnauthorized: false,
    });
    socket.once("secureConnect", () => {
      resolve({ certificate: socket.getPeerCertificate(), protocol: socket.alpnProtocol });
      socket.destroy();
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const digestServed = async (servername: string) => {
  const found = await handshake(servername);
  return typeof found === "string"
    ? found
    : found.certificate.raw.toString("hex").match(/2b0601050507011f0101ff04220420([0-9a-f]{64})/)?.[1];
};

describe("the certificate of tls-alpn-01", () => {
  it("is in openssl's eyes self-signed, with the name alone and the digest in the critical extension", () => {
    const one = task("www.example.test");
    const { cert } = makeChallengeCertificate(one, new Date("2026-11-24T12:00:00Z"));
    const text = execFileSync("openssl", ["x509", "-noout", "-text"], { input: cert, encoding: "utf8" });
    expect(text).toMatch(/X509v3 Subject Alternative Name: \n\s+DNS:www\.example\.test\n/);
    expect(text).toMatch(/(acmeIdentifier|1\.3\.6\.1\.5\.5\.7\.1\.31): critical\n/);
    expect(text).toContain("Not Before: Nov 24 11:00:00 2026 GMT");
    expect(text).toContain("Version: 3");
    const parsed = new X509Certificate(cert);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.subject).toBe(parsed.issuer);
    const offsets = execFileSync("openssl", ["asn1parse"], { input: cert, encoding: "utf8" });
    // the extension's octet string holds an octet string of 32 octets (RFC 8737 section 3)
    const content =
      /(?:acmeIdentifier|1\.3\.6\.1\.5\.5\.7\.1\.31)\n.*BOOLEAN.*255\n.*OCTET STRING +\[HEX DUMP\]:([0-9A-F]+)/.exec(
        offsets,
      )?.[1];
    expect(content?.toLowerCase()).toBe(`0420${digestOf(one)}`);
  });

  it("names an IP address, and is asked for by its reverse name", () => {
    for (const [value, name] of [
      ["192.0.2.7", "7.2.0.192.in-addr.arpa"],
      ["2001:db8::1", `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
    ] as const) {
      const { cert } = makeChallengeCertificate(task(value), new Date());
      expect(new X509Certificate(cert).checkIP(value)).toBe(value);
      expect(serverNameOf(task(value).identifier)).toBe(name);
    }
  });
});

describe("the tls-alpn-01 listener", () => {
  it("speaks acme-tls/1 with openssl and shows the certificate of the name asked for", async () => {
    const [one, two] = [task("one.example.test"), task("two.example.test")];
    const shared = solver();
    await shared.present([two, one], deadline);
    const args = [
      "s_client",
      "-connect",
      `${address}:${port}`,
      "-alpn",
      "acme-tls/1",
      "-servername",
      "one.example.test",
    ];
    const output = await new Promise<string>((resolve) => {
      execFile("openssl", args, (_, stdout) => resolve(stdout)).stdin?.end();
    });
    expect(output).toContain("ALPN protocol: acme-tls/1");
    const cert = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(output)?.[0] ?? "";
    expect(new X509Certificate(cert).subjectAltName).toBe("DNS:one.example.test");
    expect(await digestServed("ONE.example.test")).toBe(digestOf(one));
    expect(await digestServed("two.example.test")).toBe(digestOf(two));
    await shared.cleanUp([one, two]);
    expect(await handshake("one.example.test")).toBe("ECONNREFUSED");
  });

  it("proves IPv4 and IPv6 addresses by their reverse names", async () => {
    const tasks = [task("127.0.0.1"), task("::1")];
    const one = solver();
    await one.present(tasks, deadline);
    for (const each of tasks) expect(await digestServed(serverNameOf(each.identifier))).toBe(digestOf(each));
    await one.cleanUp(tasks);
  });

  it("shakes hands with nobody else: another name, no name, another protocol, none", async () => {
    const one = task("www.example.test");
    const shared = solver();
    await shared.present([one], deadline);
    expect(await handshake("other.example.test")).toMatch(/ECONNRESET|ERR_SSL/);
    expect(await handshake(undefined)).toMatch(/ECONNRESET|ERR_SSL/);
    expect(await handshake("www.example.test", ["h2", "http/1.1"])).toMatch(/ECONNRESET|ERR_SSL/);
    expect(await digestServed("www.example.test")).toBe(digestOf(one));
    await shared.cleanUp([one]);
  });

  it("serves two orders of one name one after the other, in whatever order they give their names", async () => {
    const first = [task("a.example.test", "a1"), task("b.example.test", "b1")];
    const second = [task("b.example.test", "b2"), task("a.example.test", "a2")];
    const [one, two] = [solver(), solver()];
    const presenting = one.present(first, deadline);
    let isThere = false;
    const waiting = two.present(second, deadline).then(() => {
      isThere = true;
    });
    await presenting;
    expect(await digestServed("a.example.test")).toBe(digestOf(first[0] as ChallengeTask));
    expect(isThere).toBe(false);
    await one.cleanUp(first);
    await waiting;
    expect(await digestServed("a.example.test")).toBe(digestOf(second[1] as ChallengeTask));
    expect(await digestServed("b.example.test")).toBe(digestOf(second[0] as ChallengeTask));
    await two.cleanUp(second);
    expect(await handshake("a.example.test")).toBe("ECONNREFUSED");
  });

  it("ends that wait with the deadline", async () => {
    const abort = new AbortController();
    const bound = new Deadline(60, systemClock, abort.signal);
    const one = solver();
    await one.present([task("a.example.test", "a1")], deadline);
    const waiting = solver().present([task("a.example.test", "a2")], bound);
    const failed = waiting.then(
      () => undefined,
      (error: unknown) => error,
    );
    await new Promise(setImmediate);
    abort.abort("SIGINT");
    const error = await failed;
    expect(isTlsError(error) && error.code).toBe("ACME_ABORTED");
    await one.cleanUp([task("a.example.test", "a1")]);
    bound.dispose();
  });

  it("is refused for wildcards", () => {
    expect(solver().refuse({ type: "dns", value: "example.test" }, true)).toContain("dns-01");
    expect(solver().refuse({ type: "ip", value: "::1" }, false)).toBeUndefined();
  });
});
