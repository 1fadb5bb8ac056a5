// Names that are proved by what stands: records of an account for its CA and the staging, chosen by "auto" on the real engine,
// from two Pebbles by BIND.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AcmeAccount, type AcmeAccountArgs, AcmeCertificate, Gateway } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { describeWithNameServers, NameServer } from "../../support/dns/name-server";
import { DnsRecord } from "../../support/dns/record";
import { useStack } from "../../support/engine/shared-stack";
import { describeWithPeer } from "../../support/peer";

const zone = { name: "shop.test", lines: ["@ NS ns", "ns A 127.0.0.1", "@ A 127.0.0.1"] };
const until = "2999-12-31";

describeWithNameServers(() =>
  describeWithPeer("pebble", () => {
    let server: NameServer;
    let [production, staging]: [Pebble?, Pebble?] = [];
    let ofAccount: Partial<AcmeAccountArgs> = { recordsUntil: until, deactivateOnDestroy: true };
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-standing-"));
    beforeAll(async () => {
      process.env.TLS_GATEWAY_HOME = join(folder, "home");
      server = await NameServer.start("bind", [zone]);
      [production, staging] = await Promise.all(
        ["ca.test", "staging.test"].map((name) => startPebble({ dnsServer: server.endpoint, caaIdentities: [name] })),
      );
    });
    afterAll(async () => {
      delete process.env.TLS_GATEWAY_HOME;
      await Promise.all([production?.stop(), staging?.stop(), server?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    });

    const shared = useStack("standing", () => {
      const account = new AcmeAccount("ca", {
        directory: production?.directoryUrl ?? "",
        rehearsalDirectory: staging?.directoryUrl ?? "",
        caBundlePem: `${production?.caBundlePem}${staging?.caBundlePem}`,
        acceptTermsOfService: true,
        ...ofAccount,
      });
      const records = account.validationRecords(["shop.test"], { wildcard: true, caa: true });
      const made = records.map((record) => new DnsRecord(`${record.type} ${record.name}`, server, record));
      const resolvers = [server.endpoint];
      const shop = new AcmeCertificate(
        "shop",
        {
          account,
          hostnames: ["shop.test", "*.shop.test"],
          challenge: { type: "auto", resolvers, propagation: { resolvers, authoritative: false } },
          preflight: { resolvers },
        },
        { dependsOn: made },
      );
      // known by an account that is to be made
      new Gateway("front", { kind: "nginx", sites: [], options: { acmeThumbprint: account.thumbprint } });
      const { accountUrl, rehearsalAccount } = account;
      const values = records.map((record) => record.values);
      return {
        accountUrl,
        rehearsalAccount,
        values,
        serialNumber: shop.serialNumber,
        validatedBy: shop.validatedBy,
        certPem: shop.certPem,
      };
    });
    const told = (messages: readonly { readonly on: string | undefined; readonly text: string }[], name: string) =>
      messages.filter(({ on }) => on === name).map(({ text }) => text);

    it("is one up: the account, records for it and for the rehearsal's, and a certificate of a name and its wildcard", async () => {
      const preview = await shared.engine.preview();
      expect(preview.changes).toEqual({ create: 5 });
      expect(told(preview.messages, "shop")).toEqual([
        expect.stringMatching(
          /^orders a certificate for \*\.shop\.test, shop\.test; at https:\S+ by what stands by then; rehearsed at/,
        ),
      ]);
      await shared.engine.up();
      const end = Date.parse(until) / 1000;
      const { accountUrl, rehearsalAccount } = shared.seen as {
        accountUrl: string;
        rehearsalAccount: { accountUrl: string };
      };
      expect(shared.seen.values).toEqual([
        [
          `ca.test; accounturi=${accountUrl}; policy=wildcard; persistUntil=${end}`,
          `staging.test; accounturi=${rehearsalAccount.accountUrl}; policy=wildcard; persistUntil=${end}`,
        ],
        expect.arrayContaining([expect.stringContaining('0 issue "ca.test; ')]),
      ]);
      expect(await server.query("_validation-persist.shop.test", "TXT")).toHaveLength(2);
      expect(shared.seen.validatedBy).toBe("dns-persist-01, since its records stand");
      expect([production, staging].map((pebble) => pebble?.certificateCount())).toEqual([1, 1]);
    });

    it("renews with nothing moving but the certificate, and the preview says by what and why", async () => {
      expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 5 });
      const before = shared.seen;
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      await production?.setRenewalInfo(String(before.certPem), { suggestedWindow });
      await shared.engine.refresh();
      const preview = await shared.engine.preview();
      expect(preview.changes).toEqual({ same: 4, update: 1 });
      expect(told(preview.messages, "shop")).toEqual([
        expect.stringMatching(/^renews: .*; at https:\S+ by dns-persist-01, since its records stand$/),
      ]);
      expect((await shared.engine.up()).changes).toEqual({ same: 4, update: 1 });
      expect(shared.seen.serialNumber).not.toBe(before.serialNumber);
      expect(shared.seen.values).toEqual(before.values);
    });

    it("orders nothing when nothing stands, and says what it saw of each way", async () => {
      await server.delete("_validation-persist.shop.test", "TXT");
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      await production?.setRenewalInfo(String(shared.seen.certPem), { suggestedWindow });
      const orders = [production, staging].map((pebble) => pebble?.orderCount());
      // a plain up refreshes nothing: the records' resource knows of no deletion
      await shared.engine.cli("refresh", "--yes", "--skip-preview", "--target", "**::shop");
      const text = await shared.engine.failure(() => shared.engine.up());
      expect(text).toContain("ACME_CHALLENGE: ");
      expect(text).toMatch(
        /nothing stands by which .* can be proved: dns-persist-01: .*_validation-persist\.shop\.test.*; http-01: /,
      );
      expect([production, staging].map((pebble) => pebble?.orderCount())).toEqual(orders);
    });

    it("does not deactivate the account as long as records authorise it, and says how to go on", async () => {
      const text = await shared.engine.failure(() => shared.engine.destroy());
      expect(text).toContain(
        `ACME_ACCOUNT: the account is not deactivated: records in the DNS authorise it until ${until}`,
      );
      expect(text).toContain("take the records out of the DNS and recordsUntil out of the account");
      ofAccount = { deactivateOnDestroy: true };
      await shared.engine.up({ target: ["**::ca"] });
      expect((await shared.engine.destroy()).changes).toEqual({ delete: 1 });
      expect(await shared.engine.leaks()).toEqual([]);
    });
  }),
);
