// The whole life of a certificate whose order, records and certificate are resources of their own: the real engine, Pebble, and
// BIND with records by a resource of the test. Each preview is compared with what the following up did, operation by operation.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AcmeAccount, DnsValidatedCertificate } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { describeWithNameServers, NameServer } from "../../support/dns/name-server";
import { DnsRecord } from "../../support/dns/record";
import { useStack } from "../../support/engine/shared-stack";
import { describeWithPeer } from "../../support/peer";

const RETRY_NOW = "TLS_GATEWAY_RETRY_NOW";
const zone = { name: "shop.test", lines: ["@ NS ns", "ns A 127.0.0.1", "@ A 127.0.0.1"] };
const apexRecord = "shop-_acme-challenge.shop.test";
const wwwRecord = "shop-_acme-challenge.www.shop.test";
const moreRecord = "shop-_acme-challenge.more.shop.test";

describeWithNameServers(() =>
  describeWithPeer("pebble", () => {
    let server: NameServer;
    let pebble: Pebble;
    let names = ["shop.test", "*.shop.test", "www.shop.test"];
    /** A record that somebody else writes over. */
    let wrong = "";
    let isLookedFor = true;
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-dns-validated-"));
    beforeAll(async () => {
      process.env.TLS_GATEWAY_HOME = join(folder, "home");
      server = await NameServer.start("bind", [zone]);
      pebble = await startPebble({ dnsServer: server.endpoint });
    });
    afterAll(async () => {
      delete process.env.TLS_GATEWAY_HOME;
      await Promise.all([pebble?.stop(), server?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    });

    const shared = useStack("dns-validated", () => {
      const account = new AcmeAccount("ca", {
        directory: pebble.directoryUrl,
        caBundlePem: pebble.caBundlePem,
        acceptTermsOfService: true,
      });
      const propagation = { resolvers: [server.endpoint], authoritative: false, timeoutSeconds: 1 };
      const shop = new DnsValidatedCertificate("shop", {
        account,
        hostnames: names,
        record: (name, record, opts) =>
          new DnsRecord(name, server, wrong === "" ? record : { ...record, quotedValues: [`"${wrong}"`] }, opts),
        propagation: isLookedFor && propagation,
      });
      const { certPem, fullChainPem, serialNumber, validatedBy, validTo } = shop.certificate;
      const { orderUrl, renewAt, renewalReason, dnsRecords } = shop.order;
      const ofCertificate = {
        certPem,
        fullChainPem,
        serialNumber,
        validatedBy,
        validTo,
        keyPem: shop.certificate.privateKeyPem,
      };
      return { ...ofCertificate, orderUrl, renewAt, renewalReason, dnsRecords };
    });

    /** What up did beyond "same", which is what the preview before it said. */
    async function previewAndUp() {
      const rows = ({ steps }: { readonly steps: readonly { readonly op: string; readonly name: string }[] }) =>
        steps.map(({ op, name }) => `${op} ${name}`).sort();
      const preview = await shared.engine.preview();
      const up = await shared.engine.up();
      expect(rows(up)).toEqual(rows(preview));
      expect(tellings(up.messages)).toEqual(tellings(preview.messages));
      return { done: rows(up).filter((row) => !row.startsWith("same")), told: tellings(up.messages) };
    }

    /** What was said on the resources; progress is on none. */
    function tellings(messages: readonly { readonly on: string | undefined; readonly text: string }[]) {
      return Object.fromEntries(messages.flatMap(({ on, text }) => (on === undefined ? [] : [[on, text]])));
    }

    async function verify(host: string): Promise<string> {
      writeFileSync(join(folder, "root.pem"), await pebble.roots());
      writeFileSync(join(folder, "leaf.pem"), String(shared.seen.certPem));
      writeFileSync(join(folder, "chain.pem"), String(shared.seen.fullChainPem));
      const args = ["verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "-verify_hostname", host, "leaf.pem"];
      return execFileSync("openssl", args, { cwd: folder, encoding: "utf8" });
    }

    const recordOf = (name: string) => server.query(`_acme-challenge.${name}`, "TXT");

    it("is one up from nothing: order, records of which an apex shares one with its wildcard, certificate", async () => {
      const { done, told } = await previewAndUp();
      expect(done).toEqual(
        ["ca", "shop", apexRecord, wwwRecord, "shop-certificate", "shop-order"].map((name) => `create ${name}`),
      );
      expect(told["shop-order"]).toBe(
        `places an order for *.shop.test, shop.test, www.shop.test; at ${pebble.directoryUrl}`,
      );
      expect(told["shop-certificate"]).toBe(
        `takes the certificate for *.shop.test, shop.test, www.shop.test from its order; at ${pebble.directoryUrl} by dns-01 (its order)`,
      );
      for (const host of ["shop.test", "a.shop.test", "www.shop.test"]) expect(await verify(host)).toContain("OK");
      expect([pebble.orderCount(), pebble.certificateCount()]).toEqual([1, 1]);
      expect(shared.seen.validatedBy).toBe("dns-01");
      expect(await recordOf("shop.test")).toHaveLength(2);
      expect(shared.seen.dnsRecords).toEqual([
        expect.objectContaining({ name: "_acme-challenge.shop.test", hostnames: ["*.shop.test", "shop.test"] }),
        expect.objectContaining({ name: "_acme-challenge.www.shop.test", values: await recordOf("www.shop.test") }),
      ]);
    });

    it("is left alone by the next run, which asks the CA what became of the order, and orders nothing", async () => {
      expect(await shared.engine.up({ expectNoChanges: true })).toMatchObject({ changes: { same: 6 }, messages: [] });
      expect(pebble.orderCount()).toBe(1);
    });

    it("renews in one up when the CA says so: the order, both records' values, the certificate", async () => {
      const before = shared.seen;
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      await pebble.setRenewalInfo(String(before.certPem), { suggestedWindow, explanationURL: "https://ca.test/why" });
      await shared.engine.refresh();
      const { done, told } = await previewAndUp();
      expect(done).toEqual([apexRecord, wwwRecord, "shop-certificate", "shop-order"].map((name) => `update ${name}`));
      expect(told["shop-order"]).toMatch(
        /^renews with another order: valid until \S+, \d\d of 90 days left, by the CA's window from 2026-01-01 to 2026-01-02, chosen \S+ \(why: https:\/\/ca\.test\/why\); at https/,
      );
      expect(told["shop-certificate"]).toMatch(/^takes the certificate for .* from the new order; at /);
      expect(shared.seen.serialNumber).not.toBe(before.serialNumber);
      expect(await verify("a.shop.test")).toContain("OK");
      expect(await shared.engine.up({ expectNoChanges: true })).toMatchObject({ changes: { same: 6 }, messages: [] });
    });

    it("makes a record again that somebody deleted, after a refresh, and orders nothing for it", async () => {
      const values = await recordOf("www.shop.test");
      await server.delete("_acme-challenge.www.shop.test", "TXT");
      await shared.engine.refresh();
      const orders = pebble.orderCount();
      const { done } = await previewAndUp();
      expect(done).toEqual([`create ${wwwRecord}`]);
      expect(await recordOf("www.shop.test")).toEqual(values);
      expect(pebble.orderCount()).toBe(orders);
    });

    it("takes a further name in: another order, one more record, another certificate; nothing is replaced", async () => {
      names = [...names, "more.shop.test"];
      const { done, told } = await previewAndUp();
      const updated = [apexRecord, wwwRecord, "shop-certificate", "shop-order"].map((name) => `update ${name}`);
      expect(done).toEqual([`create ${moreRecord}`, ...updated]);
      expect(told["shop-order"]).toMatch(
        /^places another order, for \*\.shop\.test, more\.shop\.test, shop\.test, www/,
      );
      expect(await verify("more.shop.test")).toContain("OK");
      expect(await shared.engine.up({ expectNoChanges: true })).toMatchObject({ changes: { same: 7 } });
    });

    it("says which record is wrong at which server, spends no proof, and goes on with the same order when it is right", async () => {
      names = ["shop.test"];
      wrong = "nonsense";
      const [orders, proofs] = [pebble.orderCount(), pebble.requestCount("/chalZ/")];
      const text = await shared.engine.failure(() => shared.engine.up());
      const server53 = `the resolver ${server.endpoint}`;
      expect(text).toContain(
        `ACME_CHALLENGE: the TXT record _acme-challenge.shop.test is not to be seen after 1 s: ${server53} has 1 other ("nonsense")`,
      );
      expect(text).toContain("Hint: Look whether the resource that makes the record wrote into the zone");
      expect([pebble.orderCount(), pebble.requestCount("/chalZ/")]).toEqual([orders + 1, proofs]);
      wrong = "";
      const { done, told } = await previewAndUp();
      const deleted = [moreRecord, wwwRecord].map((name) => `delete ${name}`);
      expect(done).toEqual([...deleted, `update ${apexRecord}`, "update shop-certificate"]);
      expect(told["shop-certificate"]).toMatch(/^takes the certificate for shop\.test from its order; at /);
      expect(pebble.orderCount()).toBe(orders + 1);
      expect(await shared.engine.up({ expectNoChanges: true })).toMatchObject({ changes: { same: 5 }, messages: [] });
    });

    it("places another order when the last one has failed at the CA, with the CA's words as the reason", async () => {
      names = ["other.shop.test"];
      [wrong, isLookedFor] = ["nonsense", false];
      const text = await shared.engine.failure(() => shared.engine.up());
      expect(text).toMatch(
        /ACME_UNAUTHORIZED: .*other\.shop\.test by dns-01.* The next `pulumi up` places another order/,
      );
      [wrong, isLookedFor] = ["", true];
      expect(await shared.engine.failure(() => shared.engine.preview())).toContain("ACME_BACKOFF: ");
      process.env[RETRY_NOW] = "1";
      try {
        const { done, told } = await previewAndUp();
        const updated = ["shop-_acme-challenge.other.shop.test", "shop-certificate", "shop-order"];
        expect(done).toEqual([`delete ${apexRecord}`, ...updated.map((name) => `update ${name}`)]);
        expect(told["shop-order"]).toMatch(
          /^places another order for other\.shop\.test, since the last one has failed \(the order for .*\); at https/,
        );
      } finally {
        delete process.env[RETRY_NOW];
      }
      expect(await shared.engine.up({ expectNoChanges: true })).toMatchObject({ changes: { same: 5 }, messages: [] });
    });

    it("keeps no key in the order and shows none; the certificate's is a cipher", async () => {
      const { "shop-order": order, "shop-certificate": certificate } = shared.engine.resources();
      expect(certificate?.outputs.privateKeyPem).toHaveProperty("ciphertext");
      expect(order?.outputs).not.toHaveProperty("accountKeyPem");
      expect(order?.outputs.orderKeyPem).toHaveProperty("ciphertext");
      expect(await shared.engine.leaks()).toEqual([]);
    });

    it("is gone after destroy, with its records", async () => {
      expect((await shared.engine.destroy()).changes).toEqual({ delete: 5 });
      expect(await recordOf("other.shop.test")).toEqual([]);
    });
  }),
);
