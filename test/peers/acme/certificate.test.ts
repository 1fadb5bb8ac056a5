// Guards: a lifecycle whose parts are right one by one. Certificates go through it at a real Pebble: by each challenge, for
// each kind of name, with each kind of key and two profiles, and from each kind of CA that Pebble can be.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { readCertificates } from "../../../provider/src/x509/chain/chain";
import { describeKey } from "../../../provider/src/x509/keys/private-key";
import { HeldCertificate, later, openAccount, useAcmeHome } from "../../support/acme/lifecycle";
import { type Pebble, type PebbleOptions, startPebble } from "../../support/acme/pebble";
import { type DnsHook, startDnsHook } from "../../support/dns/hook";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";
import { OpensslPki } from "../../support/x509/openssl-pki";

const profiles = {
  default: { description: "90 days", validityPeriod: 90 * 86_400 },
  shortlived: { description: "160 hours", validityPeriod: 160 * 3600 },
};
const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const quick: PebbleOptions = { retryAfter: { authz: 0, order: 0 } };
const pastWindow = { suggestedWindow: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" } };

describeWithPeer("pebble", () => {
  const { said } = useAcmeHome();

  describe("a certificate by each challenge", () => {
    const used = useCa({ ...quick, profiles });
    const webroot = mkdtempSync(join(tmpdir(), "pebble-webroot-"));
    afterAll(() => rmSync(webroot, { recursive: true, force: true }));

    const ways = (at: string) => {
      const http = { type: "http-01", port: used.pebble.httpPort };
      const tls = { type: "tls-alpn-01", port: used.pebble.tlsPort };
      const served = [
        { names: [`w1.${at}.test`, `w2.${at}.test`], challenge: { type: "http-01", webroot } },
        { names: ["127.0.0.1"], challenge: { type: "http-01", webroot } },
      ];
      const own = [
        { names: [`h.${at}.test`, "xn--mnchen-3ya.test"], challenge: { ...http, address: "127.0.0.1" } },
        { names: ["127.0.0.1"], challenge: { ...http, address: "127.0.0.1" } },
        { names: [`t1.${at}.test`, `t2.${at}.test`], challenge: { ...tls, address: "127.0.0.1" } },
        { names: ["127.0.0.1", `t3.${at}.test`], challenge: { ...tls, address: "127.0.0.1" } },
        { names: [`*.${at}.test`, `${at}.test`], challenge: used.dns },
        { names: [`*.w.${at}.test`], challenge: used.dns },
      ];
      const sixth = [
        { names: ["::1"], challenge: { ...http, address: "::1" } },
        { names: ["::1"], challenge: { ...tls, address: "::1" } },
      ];
      return { served, own: hasIPv6 ? [...own, ...sixth] : own };
    };
    const issue = async (args: Properties & { readonly names: readonly string[] }) => {
      const { names, ...more } = args;
      const held = used.certificate({ hostnames: [...names].reverse(), ...more });
      const { certPem, privateKeyPem, ...rest } = await held.up();
      const leaf = new X509Certificate(String(certPem));
      return {
        hostnames: rest.hostnames,
        verdict: await held.verdict(await used.pebble.roots()),
        isOfKey: leaf.checkPrivateKey(createPrivateKey(String(privateKeyPem))),
        key: describeKey(leaf.publicKey),
        days: Math.round((Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / 86_400_000),
        leaks: held.leaks(JSON.stringify(rest)),
        next: (await held.preview()).op,
      };
    };
    const matrix = ["P256", "P384", "RSA2048"].flatMap((keyType) =>
      Object.keys(profiles).map((profile) => ({ keyType, profile })),
    );

    it.each(matrix)("with a key $keyType and the profile $profile is verified by openssl", async (kind) => {
      const at = `${kind.keyType}-${kind.profile}`.toLowerCase();
      const { served, own } = ways(at);
      const good = ({ names }: { readonly names: readonly string[] }) => ({
        hostnames: [...names].sort(),
        verdict: "OK",
        isOfKey: true,
        key: kind.keyType,
        days: kind.profile === "default" ? 90 : 7,
        leaks: [],
        next: "same",
      });
      const all = (list: typeof own) =>
        Promise.all(list.map((way, index) => issue({ ...way, ...kind, name: `${index}` })));
      const server = await serve(webroot, used.pebble.httpPort);
      try {
        expect(await all(served)).toEqual(served.map(good));
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      expect(await all(own)).toEqual(own.map(good));
      expect([...used.hook.records.values()].flatMap((values) => [...values])).toEqual([]);
    });
  });

  describe("the key", () => {
    const used = useCa(quick);
    const renewed = async (held: HeldCertificate, args: Properties = {}) => {
      await used.pebble.setRenewalInfo(String(held.state?.certPem), pastWindow);
      // past the CA's own pause between two questions
      return held.up({ renewalInfoDays: 1000, ...args }, later(7 * 3600));
    };

    it("is another one at each renewal, unless it is to be kept", async () => {
      const held = used.certificate({ hostnames: ["key.test"] });
      const first = await held.up();
      const second = await renewed(held);
      const third = await renewed(held, { reuseKey: true });
      expect(new Set([first, second, third].map(({ serialNumber }) => serialNumber)).size).toBe(3);
      expect(second.privateKeyPem).not.toBe(first.privateKeyPem);
      expect(third.privateKeyPem).toBe(second.privateKeyPem);
      expect(await held.verdict(await used.pebble.roots())).toBe("OK");
    });

    it("that is to be kept gives way to one of another kind that is wanted", async () => {
      const held = used.certificate({ hostnames: ["kind.test"], reuseKey: true });
      await held.up();
      expect((await held.preview({ keyType: "P384" })).reason).toMatch(/^orders another certificate, for kind\.test/);
      const { certPem, privateKeyPem } = await held.up({ keyType: "P384" });
      const leaf = new X509Certificate(String(certPem));
      expect(describeKey(leaf.publicKey)).toBe("P384");
      expect(leaf.checkPrivateKey(createPrivateKey(String(privateKeyPem)))).toBe(true);
    });

    it("of a request stays with its owner: none comes into the state, at the renewal neither", async () => {
      const pki = new OpensslPki();
      try {
        const words =
          "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.pem -subj / -addext";
        pki.run([...words.split(" "), "subjectAltName=DNS:own.test,DNS:*.own.test", "-config", "ca.cnf"]);
        const certificateRequestPem = pki.run(["req", "-in", "r.pem"]);
        const key = createPrivateKey(readFileSync(join(pki.folder, "k.pem"), "utf8"));
        const held = used.certificate({ certificateRequestPem });
        const first = await held.up();
        const second = await renewed(held);
        expect(second.serialNumber).not.toBe(first.serialNumber);
        for (const state of [first, second]) {
          expect(state.hostnames).toEqual(["*.own.test", "own.test"]);
          expect(new X509Certificate(String(state.certPem)).checkPrivateKey(key)).toBe(true);
          expect(JSON.stringify(state)).not.toContain("PRIVATE KEY");
        }
        expect(await held.verdict(await used.pebble.roots())).toBe("OK");
      } finally {
        pki.remove();
      }
    });
  });

  describe("a CA with two more roots, chains of three, and authorizations that are reused", () => {
    const used = useCa({ ...quick, alternateRoots: 2, chainLength: 3, authzReuse: 100 });
    const nameOf = (rootPem: string) => /CN=(.*)/.exec(new X509Certificate(rootPem).subject)?.[1] ?? "";

    it.each([0, 1, 2])("has the chain to root %i taken where that is preferred", async (number) => {
      const root = await used.pebble.roots(number);
      const held = used.certificate({ hostnames: ["chain.test"], name: `${number}`, preferredChain: nameOf(root) });
      const { issuerPem } = await held.up({ requirePreferredChain: true });
      expect(readCertificates(String(issuerPem), "it")).toHaveLength(3);
      expect(await held.verdict(root)).toBe("OK");
      expect(await held.verdict(await used.pebble.roots((number + 1) % 3))).not.toBe("OK");
    });

    it("whose chain is not to be had gives its own, which is said; a change of the wish orders nothing", async () => {
      const held = used.certificate({ hostnames: ["other.test"], preferredChain: "Nobody's Root" });
      await held.up();
      expect(said.join("\n")).toContain(`No chain ends with the issuer "Nobody's Root": the CA offers`);
      expect(await held.verdict(await used.pebble.roots())).toBe("OK");
      expect((await held.preview({ preferredChain: "Somebody's Root" })).op).toBe("same");
    });

    it("whose chain must be had and is not leaves the old certificate, names those there are, and orders no second one", async () => {
      const held = used.certificate({ hostnames: ["strict.test"] });
      const before = await held.up();
      const wish = { hostnames: ["strict.test", "www.strict.test"], requirePreferredChain: true };
      const error = await rejection(held.effect({ ...wish, preferredChain: "Nobody's Root" }).catch(causeOf));
      expect(error.code).toBe("CHAIN_INVALID");
      expect(error.hint).toMatch(/preferredChain/);
      const roots = await Promise.all([0, 1, 2].map((number) => used.pebble.roots(number)));
      for (const root of roots) expect(error.message).toContain(nameOf(root));
      const { certPem, issuerPem, privateKeyPem, issuedFor } = before;
      expect(held.state).toMatchObject({ certPem, issuerPem, privateKeyPem, issuedFor });
      // the order came to its end, so nothing is to be waited for
      expect(held.state).not.toHaveProperty("failure");
      const ordered = used.pebble.orderCount();
      const preferredChain = nameOf(roots[1] ?? "");
      expect((await held.preview({ ...wish, preferredChain })).reason).toMatch(/^goes on with the order for/);
      await held.up({ ...wish, preferredChain });
      expect(await held.verdict(roots[1] ?? "")).toBe("OK");
      expect(used.pebble.orderCount()).toBe(ordered);
    });

    it("that reuses authorizations is proved nothing again", async () => {
      const names = { hostnames: ["*.reused.test", "reused.test"] };
      await used.certificate({ ...names, name: "first" }).up();
      const calls = used.hook.calls.length;
      const held = used.certificate({ ...names, name: "second" });
      await held.up();
      expect(used.hook.calls.length).toBe(calls);
      expect(await held.verdict(await used.pebble.roots())).toBe("OK");
    });
  });

  describe("a CA that ties accounts to customers, refuses half of all nonces and keeps to the letter", () => {
    const hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    const binding = { externalAccountKeyId: "kid-1", externalAccountHmac: hmac };
    const used = useCa({ ...quick, externalAccounts: { "kid-1": hmac }, nonceReject: 50, strict: true }, binding);

    it("issues to an account that is bound", async () => {
      const all = Array.from({ length: 5 }, (_, at) =>
        used.certificate({ hostnames: [`n${at}.test`, `*.n${at}.test`] }),
      );
      await Promise.all(all.map((held) => held.up()));
      const root = await used.pebble.roots();
      for (const held of all) expect(await held.verdict(root)).toBe("OK");
      expect([used.pebble.orderCount(), used.pebble.certificateCount()]).toEqual([5, 5]);
    });

    it("makes no account without a binding, and says what is missing without a secret", async () => {
      const error = await rejection(openAccount(used.pebble).catch(causeOf));
      expect(error.code).toBe("ACME_ACCOUNT");
      expect(error.hint).toContain("externalAccountBinding");
      const wrong = await rejection(
        openAccount(used.pebble, { ...binding, externalAccountHmac: `${hmac.slice(0, -2)}AA` }).catch(causeOf),
      );
      expect(wrong.code).toBe("ACME_ACCOUNT");
      expect(wrong.message).not.toContain(hmac.slice(0, 20));
    });
  });
});

interface UsedCa {
  pebble: Pebble;
  hook: DnsHook;
  /** dns-01 by the hook. */
  dns: Properties;
  certificate(args: Properties): HeldCertificate;
}

/** A Pebble with an account and a hook, for the tests of a block. */
function useCa(options: PebbleOptions, accountArgs: Properties = {}): UsedCa {
  const used = {} as UsedCa;
  beforeAll(async () => {
    used.pebble = await startPebble(options);
    used.hook = await startDnsHook(used.pebble);
    const propagation = { resolvers: [used.pebble.dnsAddress], authoritative: false };
    used.dns = { type: "dns-01", command: used.hook.command, propagation };
    const account = await openAccount(used.pebble, accountArgs);
    const profile = options.profiles === undefined ? {} : { profile: "default" };
    used.certificate = (args) => new HeldCertificate({ ...account, challenge: used.dns, ...profile, ...args });
  });
  afterAll(async () => {
    await Promise.all([used.hook?.stop(), used.pebble?.stop()]);
  });
  return used;
}

/** What a web server in front of a site does: it serves a folder. */
async function serve(webroot: string, port: number): Promise<Server> {
  const server = createServer(({ url = "" }, response) => {
    try {
      response.end(readFileSync(join(webroot, url)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return server;
}

/** The failure inside of one that is kept. */
function causeOf(error: unknown): never {
  throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
