// What examples-cloud does with Route 53, ACM and Kubernetes, on the real engine: BIND in place of Route 53, and in place of
// the services ones that judge certificate, chain and key as they do. Each gets exactly the properties of its example.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate, AcmeOrder, DnsValidatedCertificate } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { describeWithNameServers, NameServer } from "../../support/dns/name-server";
import { DnsRecord } from "../../support/dns/record";
import { programFolder } from "../../support/engine/engine";
import { useStack } from "../../support/engine/shared-stack";
import { describeWithPeer } from "../../support/peer";

const zone = { name: "shop.test", lines: ["@ NS ns", "ns A 127.0.0.1"] };
const takers = join(programFolder, "test/support/engine/certificate-taker.cjs");

/** A service that takes a certificate: `acm` or `secret` of certificate-taker.cjs. */
class Taker extends pulumi.CustomResource {
  declare readonly serialNumber: pulumi.Output<string>;
  constructor(name: "acm" | "secret", args: Record<string, unknown>) {
    const __provider = `exports.handler = () => require(${JSON.stringify(takers)}).${name};`;
    super("pulumi-nodejs:dynamic/test:Taker", name, { ...args, serialNumber: undefined, __provider });
  }
}

describeWithNameServers(() =>
  describeWithPeer("pebble", () => {
    let server: NameServer;
    let pebble: Pebble;
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-twins-"));
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

    const shared = useStack("twins", () => {
      const account = new AcmeAccount("ca", {
        directory: pebble.directoryUrl,
        caBundlePem: pebble.caBundlePem,
        acceptTermsOfService: true,
      });
      const propagation = { resolvers: [server.endpoint], authoritative: false };
      const { certificate } = new DnsValidatedCertificate("web", {
        account,
        hostnames: ["web.shop.test"],
        record: (name, record, opts) => new DnsRecord(name, server, record, opts),
        propagation,
      });
      const acm = new Taker("acm", {
        privateKey: certificate.privateKeyPem,
        certificateBody: certificate.certPem,
        certificateChain: certificate.issuerPem,
      });
      // by hand, where the parts are wanted apart
      const order = new AcmeOrder("api", { account, hostnames: ["api.shop.test"] });
      const record = new DnsRecord("api", server, order.dnsRecord("api.shop.test"));
      const challenge = { type: "dns-01", propagation } as const;
      const api = new AcmeCertificate("api-certificate", { order, challenge }, { dependsOn: [record] });
      const secret = new Taker("secret", {
        metadata: { name: "web-tls", namespace: "default" },
        type: "kubernetes.io/tls",
        stringData: { "tls.crt": api.fullChainPem, "tls.key": api.privateKeyPem.apply((key) => key ?? "") },
      });
      const [web, taken] = [certificate.serialNumber, acm.serialNumber];
      return { web, taken, api: api.serialNumber, kept: secret.serialNumber, certPem: certificate.certPem };
    });

    it("takes both in one up, and nothing is left to do", async () => {
      await shared.engine.up();
      expect(shared.seen.taken).toBe(shared.seen.web);
      expect(shared.seen.kept).toBe(shared.seen.api);
      expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 10 });
    });

    it("takes a renewal in place, and the other certificate stays", async () => {
      const before = shared.seen;
      const suggestedWindow = { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" };
      await pebble.setRenewalInfo(String(before.certPem), { suggestedWindow });
      await shared.engine.refresh();
      expect((await shared.engine.up()).changes).toEqual({ same: 6, update: 4 });
      expect(shared.seen.web).not.toBe(before.web);
      expect(shared.seen.taken).toBe(shared.seen.web);
      expect(shared.seen.kept).toBe(before.kept);
      expect(await shared.engine.leaks()).toEqual([]);
    });

    it.each(["acm-import.ts", "kubernetes-secret.ts"])("has the properties of %s", (file) => {
      const example = readFileSync(join(programFolder, "examples-cloud", file), "utf8");
      const twin = readFileSync(join(programFolder, "test/engine/acme/composed-twins.test.ts"), "utf8");
      const properties = file.startsWith("acm")
        ? [
            "privateKey: certificate.privateKeyPem",
            "certificateBody: certificate.certPem",
            "certificateChain: certificate.issuerPem",
          ]
        : [
            'metadata: { name: "web-tls", namespace: "default" }',
            'type: "kubernetes.io/tls"',
            'stringData: { "tls.crt": ',
          ];
      for (const property of properties)
        expect([example.includes(property), twin.includes(property)]).toEqual([true, true]);
    });
  }),
);
