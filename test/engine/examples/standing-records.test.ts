// examples/standing-records as `npm run up -- standing-records` runs it, in a copy of its own: a record that stands proves the
// names to the local CA, and a renewal changes the certificate alone. Judged by openssl.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ExampleCopy } from "../../support/engine/example-copy";
import { describeWithPeer } from "../../support/peer";

/** The stack, account, record and certificate. */
const RESOURCES = 4;
const RECORD = "_validation-persist.example.com";

describeWithPeer("pebble", () => {
  let copy: ExampleCopy;
  beforeAll(async () => {
    copy = await ExampleCopy.make({
      name: "standing-records",
      beside: ["letsencrypt", "dns-validated"],
      ports: [14020, 14063, 14065],
      programs: ["pebble"],
    });
  });
  afterAll(() => copy?.remove());

  it("is one up from nothing, and a renewal changes nothing but the certificate", async () => {
    const shown = await copy.script("up");
    const [first = "", second = ""] = shown.split("=== Second run");
    expect(first).toContain(`${RESOURCES} created`);
    const [preview = "", update = ""] = second.split("Updating (local)");
    expect(preview).toMatch(/^ {4}~ 1 to update\n {4}3 unchanged$/m);
    expect(update).toMatch(/^ {4}~ 1 updated\n {4}3 unchanged$/m);
    expect(update).toMatch(/^ ~ {2}\S+:AcmeCertificate web updated/m);
    const url = `https://localhost:${copy.port(14020)}/my-account/[0-9a-f]+`;
    const rows = [first, update].map((part) => {
      const value = `ca\\.example; accounturi=${url}; policy=wildcard; persistUntil=2114294400`;
      return new RegExp(`^ +${RECORD} +TXT +(${value})$`, "m").exec(part)?.[1];
    });
    expect(rows[0]).toBeDefined();
    expect(rows[1]).toBe(rows[0]);
    expect(Date.parse("2036-12-31T00:00:00Z")).toBe(2_114_294_400_000);
    for (const part of [first, update]) expect(part).toMatch(/^validatedBy: dns-persist-01$/m);
    const serials = [first, update].map((part) => /^serialNumber: ([0-9a-f]+)$/m.exec(part)?.[1]);
    expect(new Set(serials).size).toBe(2);
    expect(copy.outputs("AcmeCertificate web").serialNumber).toBe(serials[1]);
    expect(copy.readmeTexts().length).toBeGreaterThan(1);
    for (const text of copy.readmeTexts()) expect(copy.asShown(shown)).toContain(copy.asShown(text));
  });

  it("writes into the DNS once in both runs, and the CA finds it there for both orders", async () => {
    const log = copy.read("local-ca/pebble.log");
    expect(log.match(/Issued certificate serial/g)).toHaveLength(2);
    expect(log.match(/Added TXT response for Host \S+/g)).toEqual([`Added TXT response for Host "${RECORD}."`]);
    expect(await copy.remains()).toEqual([]);
  });

  it("has a certificate that openssl verifies by the local CA's root alone, for the apex and names below", () => {
    for (const name of ["example.com", "any.example.com"]) expect(copy.verify("web", name)).toBe("leaf.pem: OK\n");
  });

  it("has nothing to do afterwards, though the CA is gone", async () => {
    expect(await copy.script("preview")).toMatch(new RegExp(`^ {4}${RESOURCES} unchanged$`, "m"));
  });

  it("shows no key, and keeps none in clear", async () => {
    // the account's, the one for a rehearsal, and the certificate's
    expect(await copy.scanForKeys()).toEqual({ count: 3, leaks: [] });
  });

  it("is gone after destroy", async () => {
    expect(await copy.script("destroy")).toContain(`${RESOURCES} deleted`);
  });

  it("is the same program at Let's Encrypt with the lines of Pulumi.yaml that README names, and starts no CA", async () => {
    copy.moveTo("letsencrypt-staging", ["caBundle", "dnsAddress", "dnsApi"]);
    const shown = await copy.script("preview");
    expect(shown).toContain(
      "orders a certificate for *.example.com, example.com; at letsencrypt-staging by dns-persist-01 (standing records)",
    );
    expect(shown).toContain(`${RESOURCES} to create`);
    expect(existsSync(join(copy.folder, "local-ca"))).toBe(false);
  });
});
