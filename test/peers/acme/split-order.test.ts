// Guards: an order whose names are proved by others. Placed, answered by records and by a web server, taken, and lost in each way
// that a CA can lose it; what the CA is asked is counted by a proxy.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { RETRY_NOW } from "../../../provider/src/acme/limits/back-off";
import { acmeAccount } from "../../../provider/src/lifecycle/acme/account";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { openAccount, useAcmeHome } from "../../support/acme/lifecycle";
import { newKeyPem } from "../../support/acme/memory-orders";
import { startPebble } from "../../support/acme/pebble";
import { HeldResource, SplitCertificate } from "../../support/acme/split";
import { DAY, daysOf, pastWindow, useSplitOrders } from "../../support/acme/split-orders";
import { describeWithPeer } from "../../support/peer";
import { OpensslPki } from "../../support/x509/openssl-pki";

describeWithPeer("pebble", () => {
  const used = useSplitOrders();

  describe("a certificate from an order", () => {
    it("is proved by the order's records, of which a name and its wildcard have one, and is left alone then", async () => {
      const both = used.split({ hostnames: ["*.Shop.test", "shop.test", "www.shop.test"] });
      const { op, reason } = await both.order.preview(both.orderArgs());
      const at = `at ${used.account.directoryUrl}, profile default`;
      expect([op, reason]).toEqual(["create", `places an order for *.shop.test, shop.test, www.shop.test; ${at}`]);
      const state = await both.order.up(both.orderArgs());
      expect(both.challenges.map(({ hostname, isProved }) => [hostname, isProved])).toEqual(
        ["*.shop.test", "shop.test", "www.shop.test"].map((name) => [name, false]),
      );
      expect(Date.parse(String(state.expiresAt))).toBeGreaterThan(Date.now());
      expect(Date.parse(String(state.estimatedValidTo)) - Date.parse(String(state.orderedAt))).toBe(90 * DAY * 1000);
      expect(both.order.secrets).toEqual(["orderKeyPem"]);
      expect(state).not.toHaveProperty("accountKeyPem");
      await both.putRecords();
      const told = await both.certificate.preview(both.certificateArgs());
      expect(told.reason).toBe(
        `takes the certificate for *.shop.test, shop.test, www.shop.test from its order; at ${used.account.directoryUrl} by dns-01 (its order), profile default`,
      );
      const look = { resolvers: [used.pebble.dnsAddress], authoritative: false };
      const args = both.certificateArgs({ challenge: { type: "dns-01", via: "order", propagation: look } });
      expect(await both.certificate.up(args)).toMatchObject({ validatedBy: "dns-01", orderUrl: state.orderUrl });
      expect(both.certificate.secrets).toEqual(["privateKeyPem"]);
      expect(await both.verdict()).toBe("OK");
      const [ordered, issuedBefore] = [used.pebble.orderCount(), used.pebble.certificateCount()];
      used.proxy.reset();
      expect(await both.preview()).toEqual(["same", "same"]);
      // what became of the order, and the certificate's dates
      expect(used.kinds()).toEqual(["order", "certificate"]);
      expect([used.pebble.orderCount(), used.pebble.certificateCount()]).toEqual([ordered, issuedBefore]);
    });

    it("waits for a record that a resource is just making, and says which one is missing", async () => {
      const both = used.split();
      await both.order.up(both.orderArgs());
      const look = { resolvers: [used.pebble.dnsAddress], authoritative: false, timeoutSeconds: 5 };
      const args = both.certificateArgs({ challenge: { type: "dns-01", via: "order", propagation: look } });
      const text = await both.certificate.failure(args);
      expect(text).toContain(
        `ACME_CHALLENGE: the TXT record _acme-challenge.s${used.count}.test is not to be seen after 5 s`,
      );
      expect(used.proxy.count("challenge")).toBe(0);
      await both.putRecords();
      await both.certificate.up(args);
      expect(await both.verdict()).toBe("OK");
    });

    it("is proved by a web server that answers as the order says, for names and addresses", async () => {
      const both = used.split({ hostnames: ["web.test", "www.web.test", "127.0.0.1"] });
      await both.order.up(both.orderArgs());
      const asked = new Set<string>();
      const server = await serve(both, used.pebble.httpPort, "127.0.0.1", asked);
      try {
        const look = { port: used.pebble.httpPort, resolvers: [used.pebble.dnsAddress] };
        const args = both.certificateArgs({ challenge: { type: "http-01", via: "order", ...look } });
        expect((await both.certificate.up(args)).validatedBy).toBe("http-01");
        expect(await both.verdict()).toBe("OK");
        expect(asked.size).toBe(3);
      } finally {
        server.close();
      }
    });

    it("is proved by records for its names and by a web server for its addresses, unless told otherwise", async (context) => {
      // the look before is at the port that CAs ask; an address of its own, so that it is free
      const host = "127.80.80.1";
      const both = used.split({ hostnames: [host, "beside.test"] });
      await both.order.up(both.orderArgs());
      await both.putRecords();
      const asked = new Set<string>();
      const look = await serve(both, 80, host, asked).catch(() => undefined);
      if (look === undefined) return context.skip("port 80 is not to be had");
      const server = await serve(both, used.pebble.httpPort, host, asked);
      try {
        expect((await both.certificate.up(both.certificateArgs())).validatedBy).toBe("dns-01 and http-01");
        expect(await both.verdict()).toBe("OK");
        expect(asked.size).toBe(1);
      } finally {
        for (const one of [look, server]) one.close();
      }
    });

    it("has the profile of its order, and a request's key in place of its own", async () => {
      const pki = new OpensslPki();
      try {
        const make = "req -new -newkey rsa:2048 -nodes -keyout k.pem -out r.pem -subj / -addext";
        pki.run([...make.split(" "), "subjectAltName=DNS:csr.test", "-config", "ca.cnf"]);
        const certificateRequestPem = pki.run(["req", "-in", "r.pem"]);
        const both = used.split({ hostnames: ["csr.test"], profile: "shortlived" });
        const state = await both.up({}, { certificateRequestPem });
        expect(state).not.toHaveProperty("privateKeyPem", expect.any(String));
        expect(daysOf(state)).toBe(6);
        expect(new X509Certificate(String(state.certPem)).publicKey.asymmetricKeyType).toBe("rsa");
        expect(await both.verdict()).toBe("OK");
      } finally {
        pki.remove();
      }
    });

    it("keeps its key where that is asked for, and takes another kind of key at the next order", async () => {
      const both = await used.issued();
      const before = both.certificate.state;
      const wish = { keyType: "P384", reuseKey: true };
      const { op, reason } = await both.certificate.preview(both.certificateArgs(wish));
      expect([op, reason]).toEqual(["update", undefined]);
      expect(await both.certificate.up(both.certificateArgs(wish))).toMatchObject({
        serialNumber: before?.serialNumber,
        privateKeyPem: before?.privateKeyPem,
      });
      await used.pebble.setRenewalInfo(String(before?.certPem), pastWindow);
      await both.order.refresh();
      const renewed = await both.up({}, wish);
      expect(new X509Certificate(String(renewed.certPem)).publicKey.asymmetricKeyDetails?.namedCurve).toBe("secp384r1");
      await used.pebble.setRenewalInfo(String(renewed.certPem), pastWindow);
      await both.order.refresh();
      const again = await both.up({}, wish);
      expect(again.serialNumber).not.toBe(renewed.serialNumber);
      expect(again.privateKeyPem).toBe(renewed.privateKeyPem);
    });
  });

  describe("an order that came to no certificate", () => {
    it("is kept while it waits, and placed anew when it has expired", async () => {
      const both = used.split();
      const first = await both.order.up(both.orderArgs());
      expect(await both.order.preview(both.orderArgs())).toEqual({ op: "same", reason: undefined });
      const expire = (body: string) => JSON.stringify({ ...JSON.parse(body), expires: "2026-01-02T03:04:05Z" });
      used.proxy.plan({ on: "order", times: 2, action: { rewrite: expire } });
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(
        /^places another order for s\d+\.test, since the last one expired at 2026-01-02T03:05Z, before its names were proved; at /,
      );
      // diff and reason of the preview, and diff of the run, whose decision the update follows
      used.proxy.plan({ on: "order", times: 3, action: { rewrite: expire } });
      const second = await both.order.up(both.orderArgs());
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
    });

    it("is placed anew when the CA could not prove a name, for the CA's reason; the certificate backs off meanwhile", async () => {
      const both = used.split();
      const first = await both.order.up(both.orderArgs());
      const text = await both.certificate.failure(both.certificateArgs());
      expect(text).toMatch(/^ACME_UNAUTHORIZED: .*s\d+\.test by dns-01.* The next `pulumi up` places another order/);
      const { op, reason } = await both.order.preview(both.orderArgs());
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for s\d+\.test, since the last one has failed \(the order for /);
      const second = await both.order.up(both.orderArgs());
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      expect(await both.certificate.failure(both.certificateArgs())).toMatch(
        /^ACME_BACKOFF: takes the certificate for/,
      );
      vi.stubEnv(RETRY_NOW, "1");
      await both.certificate.up(both.certificateArgs());
      expect(await both.verdict()).toBe("OK");
      expect(await both.preview()).toEqual(["same", "same"]);
    });

    it.each([
      ["of an account that is another one", (): Promise<Properties> => openAccount(used.proxy)],
      [
        "that the CA does not have",
        async (): Promise<Properties> => {
          used.proxy.plan({ on: "order", times: 9, action: { answer: { status: 404, nonce: true } } });
          return {};
        },
      ],
    ])("%s is placed anew, and its certificate says so until then", async (_, happen) => {
      const both = used.split();
      const first = await both.order.up(both.orderArgs());
      const other = await happen();
      const { accountUrl = used.account.accountUrl, accountKeyPem = used.account.accountKeyPem } = other;
      const changed = { accountUrl, accountKeyPem };
      const lost = await both.certificate.failure(both.certificateArgs(changed));
      expect(lost).toMatch(
        /^ACME_ORDER_LOST: The order "https:.*, so there is nothing to take the certificate from\. Hint: /,
      );
      const { op, reason } = await both.order.preview(both.orderArgs(changed));
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for s\d+\.test, since the last one is not at the CA any more; at /);
      const second = await both.order.up(both.orderArgs(changed));
      expect(second.orderUrl).not.toBe(first.orderUrl);
      used.proxy.reset();
      await both.putRecords();
      await both.certificate.up(both.certificateArgs(changed));
      expect(await both.verdict()).toBe("OK");
    });

    it("is gone on with when its challenges could not be asked for", async () => {
      const both = used.split();
      const ordered = used.pebble.orderCount();
      // a status that is not tried again
      used.proxy.plan({ on: "authorization", times: 99, action: { answer: { status: 501, nonce: true } } });
      const text = await both.order.failure(both.orderArgs());
      expect(text).toContain("asking for an authorization");
      expect((await both.order.preview(both.orderArgs())).reason).toMatch(
        /^goes on with the order for s\d+\.test that an/,
      );
      const other = await both.order.preview(both.orderArgs({ hostnames: ["other.test"] }));
      expect(other.reason).toMatch(/^places an order for other\.test; at /);
      used.proxy.reset();
      await both.up();
      expect(await both.verdict()).toBe("OK");
      expect(used.pebble.orderCount()).toBe(ordered + 1);
    });

    it("is placed anew when its account has another key by now, which no record of it is of", async () => {
      const own = new HeldResource(acmeAccount);
      const args = {
        directory: used.proxy.directoryUrl,
        caBundlePem: used.proxy.caBundlePem,
        acceptTermsOfService: true,
      };
      const { accountUrl, accountKeyPem: oldKeyPem, directoryUrl, caBundlePem } = await own.up(args);
      const ordering = { accountUrl, accountKeyPem: oldKeyPem, directoryUrl, caBundlePem };
      const both = new SplitCertificate(used.pebble, ordering, { hostnames: ["rolled.test"], profile: "default" });
      const first = await both.order.up(both.orderArgs());
      const accountKeyPem = newKeyPem();
      await own.up({ ...args, accountKeyPem });
      const { op, reason } = await both.order.preview(both.orderArgs({ accountKeyPem }));
      expect(op).toBe("update");
      expect(reason).toMatch(/^places another order for rolled\.test, since the account has another key by now; at /);
      const second = await both.order.up(both.orderArgs({ accountKeyPem }));
      expect(second.orderUrl).not.toBe(first.orderUrl);
      await both.putRecords();
      await both.certificate.up(both.certificateArgs({ accountKeyPem }));
      expect(await both.verdict()).toBe("OK");
    });
  });
});

describeWithPeer("pebble", () => {
  useAcmeHome();

  it("an order whose names are proved already is ready at once, and its certificate comes", async () => {
    const pebble = await startPebble({ retryAfter: { authz: 0, order: 0 }, authzReuse: 100 });
    try {
      const account = await openAccount(pebble);
      const args = { hostnames: ["*.reused.test", "reused.test"] };
      await new SplitCertificate(pebble, account, { ...args, name: "first" }).up();
      await pebble.clearTxt("_acme-challenge.reused.test");
      const both = new SplitCertificate(pebble, account, { ...args, name: "second" });
      await both.order.up(both.orderArgs());
      expect(both.challenges.map(({ isProved }) => isProved)).toEqual([true, true]);
      expect((await both.certificate.up(both.certificateArgs())).validatedBy).toBe("what the CA knew already");
      expect(await both.verdict()).toBe("OK");
    } finally {
      await pebble.stop();
    }
  });
});

/** A web server that has what the order says at each path, and nothing else. */
async function serve(both: SplitCertificate, port: number, host: string, asked: Set<string>): Promise<Server> {
  const answers = new Map(
    both.challenges.flatMap(({ http }) => (http === undefined ? [] : [[http.token, http.keyAuthorization]])),
  );
  const server = createServer(({ url = "" }, response) => {
    const answer = answers.get(url.replace("/.well-known/acme-challenge/", ""));
    if (answer !== undefined) asked.add(url);
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "text/plain" }).end(answer);
  });
  await once(server.listen(port, host), "listening");
  return server;
}
