// examples/dns-validated as `npm run up -- dns-validated` runs it, in a copy of its own: what the local CA wants to see is put
// into the DNS by a resource of the program, and changes with the order at a renewal. Judged by openssl.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ExampleCopy } from "../../support/engine/example-copy";
import { describeWithPeer } from "../../support/peer";

/** The stack, account, component, order, two records, certificate, a site and its gateway. */
const RESOURCES = 9;

describeWithPeer("pebble", () => {
  let copy: ExampleCopy;
  const recordValues = () =>
    ["example.com", "www.example.com"].map((name) => copy.outputs(`DnsRecord web-_acme-challenge.${name}`).values);
  beforeAll(async () => {
    copy = await ExampleCopy.make({
      name: "dns-validated",
      beside: ["letsencrypt"],
      ports: [14010, 14053, 14055],
      programs: ["pebble"],
    });
  });
  afterAll(() => copy?.remove());

  it("is one up from nothing, and at a renewal order, records and certificate change in one up", async () => {
    const shown = await copy.script("up");
    const [first = "", second = ""] = shown.split("=== Second run");
    expect(first).toContain(`${RESOURCES} created`);
    expect(first).toMatch(/^ +\*\.example\.com, example\.com +_acme-challenge\.example\.com +TXT +2$/m);
    expect(first).toMatch(/^ +www\.example\.com +_acme-challenge\.www\.example\.com +TXT +1$/m);
    expect(first).toMatch(/^validatedBy: dns-01$/m);
    const [preview = "", update = ""] = second.split("Updating (local)");
    expect(preview).toMatch(/^ {4}~ 4 to update\n {4}5 unchanged$/m);
    expect(update).toMatch(/^ {4}~ 4 updated\n {4}5 unchanged$/m);
    for (const part of [preview, update]) {
      const changed = [...part.matchAll(/^ ~ {2}\S+:(\w+) (\S+) updat/gm)].map(([, type, name]) => `${type} ${name}`);
      expect([...new Set(changed)].sort()).toEqual([
        "AcmeCertificate web-certificate",
        "AcmeOrder web-order",
        "DnsRecord web-_acme-challenge.example.com",
        "DnsRecord web-_acme-challenge.www.example.com",
      ]);
    }
    const serials = [first, update].map((part) => /^serialNumber: ([0-9a-f]+)$/m.exec(part)?.[1]);
    expect(new Set(serials).size).toBe(2);
    expect(copy.outputs("AcmeCertificate web-certificate").serialNumber).toBe(serials[1]);
    expect(copy.read("local-ca/pebble.log").match(/Added order/g)).toHaveLength(2);
    expect(await copy.remains()).toEqual([]);
    expect(copy.readmeTexts().length).toBeGreaterThan(1);
    for (const text of copy.readmeTexts()) expect(copy.asShown(shown)).toContain(copy.asShown(text));
  });

  it("has a certificate that openssl verifies by the local CA's root alone, for the apex and names below", () => {
    for (const name of ["example.com", "www.example.com", "any.example.com"]) {
      expect(copy.verify("web-certificate", name)).toBe("leaf.pem: OK\n");
    }
    expect(recordValues()).toEqual([[expect.any(String), expect.any(String)], [expect.any(String)]]);
  });

  it("has nothing to do afterwards, and renews on a later day, though the CA is gone", async () => {
    expect(await copy.script("preview")).toMatch(new RegExp(`^ {4}${RESOURCES} unchanged$`, "m"));
    const later = new Date(Date.now() + 80 * 86_400_000).toISOString().slice(0, 10);
    const shown = await copy.script("preview", { TLS_GATEWAY_AS_OF: later });
    expect(shown).toMatch(
      /renews with another order: the CA does not answer; by an estimate of 90 days .* \d+ of 90 days left/,
    );
    expect(shown).toMatch(/^ {4}~ 4 to update$/m);
  });

  it("shows no key, and keeps none in clear", async () => {
    // the account's, the one for a rehearsal, and the certificate's
    expect(await copy.scanForKeys()).toEqual({ count: 3, leaks: [] });
  });

  it("is gone after destroy, though the DNS of its records is gone before", async () => {
    expect(await copy.script("destroy")).toContain(`${RESOURCES} deleted`);
  });

  it("is the same program at Let's Encrypt with the lines of Pulumi.yaml that README names, and starts no CA", async () => {
    copy.moveTo("letsencrypt", ["caBundle", "dnsAddress", "dnsApi"]);
    const shown = await copy.script("preview");
    expect(shown).toContain("places an order for *.example.com, example.com, www.example.com; at letsencrypt");
    expect(shown).toContain(`${RESOURCES} to create`);
    expect(existsSync(join(copy.folder, "local-ca"))).toBe(false);
  });
});
