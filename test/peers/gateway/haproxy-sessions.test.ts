// Guards: a session of TLS that gets a client without the right certificate into a site. All sites of a HAProxy share one
// store of sessions, those on other ports included, and OpenSSL compares at most the names that sessions began with.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { ask, openSocket } from "../../support/gateway/client";
import { type RunningGateway, startGateway } from "../../support/gateway/server";
import { haproxyServer } from "../../support/gateway/server-haproxy";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const names = ["open.test", "one.test", "two.test"];

describeWithPeer("haproxy", (haproxy) => {
  const pki = new OpensslPki();
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-sessions-"));
  const root = pki.issue("root", { extensions: caExtensions() });
  const leaf = pki.issue("leaf", {
    issuer: root,
    extensions: leafExtensions(names.map((name) => `DNS:${name}`).join()),
  });
  const authorities = ["one", "two"].map((name) => pki.issue(name, { extensions: caExtensions() }));
  const [one, two] = authorities.map((issuer) =>
    pki.issue("client", { issuer, extensions: ["extendedKeyUsage=clientAuth"] }),
  ) as [IssuedPair, IssuedPair];
  const seen: string[] = [];
  const upstream = createServer((request, response) => {
    seen.push(String(request.headers.host));
    response.end("{}");
  });
  beforeAll(async () => {
    upstream.listen(0, "127.0.0.1");
    await new Promise((resolve) => upstream.once("listening", resolve));
  });
  afterAll(() => {
    upstream.close();
    pki.remove();
    rmSync(folder, { recursive: true });
  });

  /** A site for open.test, and more; those with `isElsewhere` listen on the other port. */
  const start = async (
    more: readonly { readonly isElsewhere?: true; readonly [property: string]: unknown }[],
  ): Promise<{ port: number; otherPort: number; running: RunningGateway }> => {
    const [port = 0, otherPort = 0] = await freePorts(2);
    const { port: upstreamPort } = upstream.address() as AddressInfo;
    const common = {
      binds: [`127.0.0.1:${port}`],
      tls: { certificate: { name: "leaf" } },
      upstream: { url: `http://127.0.0.1:${upstreamPort}` },
    };
    const sites = acceptedSites(
      { ...common, name: "open", hostnames: ["open.test"] },
      ...more.map(({ isElsewhere, ...site }) => ({
        ...common,
        ...(isElsewhere === true && { binds: [`127.0.0.1:${otherPort}`] }),
        ...site,
      })),
    );
    const running = await startGateway(
      haproxyServer(haproxy),
      mkdtempSync(join(folder, "run-")),
      sites,
      {},
      (source) => {
        if (source.part !== "caPem") return leaf.pem + leaf.keyPem;
        return authorities[source.name.startsWith("one") ? 0 : 1]?.pem ?? "";
      },
    );
    return { port, otherPort, running };
  };
  const target = (port: number, servername: string, more: object = {}) => ({
    port,
    tls: { ca: root.pem, servername, ...more },
  });
  const certificate = ({ pem, keyPem }: IssuedPair) => ({ cert: pem, key: keyPem });

  /** The session of a request that was answered. */
  const sessionOf = async (port: number, name: string, tls: object): Promise<Buffer | undefined> => {
    const socket = (await openSocket(target(port, name, tls))) as TLSSocket;
    // of TLS 1.2 it comes in the handshake
    let session: Buffer | undefined = socket.getProtocol() === "TLSv1.2" ? socket.getSession() : undefined;
    socket.on("session", (given: Buffer) => {
      session = given;
    });
    socket.write(`GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
    const parts: Buffer[] = [];
    for await (const part of socket) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1.1 200 /);
    return session;
  };

  describe.each(["TLSv1.3", "TLSv1.2"] as const)("%s", (maxVersion) => {
    it("a session without a certificate gets into no site that asks for one", async () => {
      const { port, running } = await start([{ name: "one", hostnames: ["one.test"], clientAuth: { ca: true } }]);
      try {
        const session = await sessionOf(port, "open.test", { maxVersion });
        expect(session).toBeDefined();
        const before = seen.length;
        const answer = await ask(target(port, "one.test", { session, maxVersion }), { host: "one.test" }).catch(
          () => undefined,
        );
        expect(answer === undefined || [403, 421].includes(answer.status)).toBe(true);
        expect(seen.length).toBe(before);
        const own = { maxVersion, ...certificate(one) };
        expect((await ask(target(port, "one.test", own), { host: "one.test" })).status).toBe(200);
      } finally {
        await running.stop();
      }
    });

    it("a session with a certificate of another site's authority does not either", async () => {
      const { port, running } = await start(
        ["one", "two"].map((name) => ({ name, hostnames: [`${name}.test`], clientAuth: { ca: true } })),
      );
      try {
        const session = await sessionOf(port, "one.test", { maxVersion, ...certificate(one) });
        const before = seen.length;
        const tls = { maxVersion, ...certificate(one), ...(session !== undefined && { session }) };
        const answer = await ask(target(port, "two.test", tls), { host: "two.test" }).catch(() => undefined);
        expect(answer === undefined || [403, 421].includes(answer.status)).toBe(true);
        expect(seen.length).toBe(before);
        const own = { maxVersion, ...certificate(two) };
        expect((await ask(target(port, "two.test", own), { host: "two.test" })).status).toBe(200);
      } finally {
        await running.stop();
      }
    });
  });

  describe.each(["TLSv1.3", "TLSv1.2"] as const)("%s, from another port", (maxVersion) => {
    /** What comes of a request to one.test on a port with the session of one on the other port. */
    const resumed = async (client: object | undefined, own: IssuedPair): Promise<void> => {
      const hostnames = ["one.test"];
      const authority = client === undefined ? {} : { clientAuth: { ca: true } };
      const { port, otherPort, running } = await start([
        { name: "two", hostnames, clientAuth: { ca: true } },
        { name: "one", hostnames, ...authority, isElsewhere: true },
      ]);
      try {
        const session = await sessionOf(otherPort, "one.test", { maxVersion, ...client });
        const before = seen.length;
        const tls = { maxVersion, ...(session !== undefined && { session }) };
        const answer = await ask(target(port, "one.test", tls), { host: "one.test" }).catch(() => undefined);
        expect(answer === undefined || [403, 421].includes(answer.status)).toBe(true);
        expect(seen.length).toBe(before);
        const right = { maxVersion, ...certificate(own) };
        expect((await ask(target(port, "one.test", right), { host: "one.test" })).status).toBe(200);
      } finally {
        await running.stop();
      }
    };

    it("a session without a certificate is none for the same name", () => resumed(undefined, two));

    it("a session with a certificate of another authority is none for the same name", () =>
      resumed(certificate(one), two));
  });

  it("a handshake for a named site gets into no site without names", async () => {
    const { port, running } = await start([
      { name: "one", hostnames: ["one.test"], clientAuth: { ca: true } },
      { name: "two", clientAuth: { ca: true } },
    ]);
    try {
      const before = seen.length;
      const tls = certificate(one);
      expect((await ask(target(port, "one.test", tls), { host: "any.test" })).status).toBe(421);
      expect((await ask(target(port, "open.test"), { host: "any.test" })).status).toBe(421);
      expect((await ask(target(port, "any.test", certificate(two)), { host: "one.test" })).status).toBe(421);
      expect(seen.length).toBe(before);
      expect((await ask(target(port, "any.test", certificate(two)), { host: "any.test" })).status).toBe(200);
      expect((await ask(target(port, "one.test", tls), { host: "one.test" })).status).toBe(200);
    } finally {
      await running.stop();
    }
  });
});
