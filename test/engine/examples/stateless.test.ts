// examples/stateless as `npm run up -- stateless` runs it, in a copy of its own: nginx answers the local CA by its configuration
// alone, and a first deployment is one up. What it serves is asked for by https, before the renewal and after it.
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { requirePeer } from "../../support/acme/challenge-test-server";
import { ExampleCopy } from "../../support/engine/example-copy";
import { describeWithPeer } from "../../support/peer";

/** The stack, account, certificate, a site and its gateway, and what runs the scripts of both installations. */
const RESOURCES = 7;
const host = "files.example.com";

describeWithPeer("nginx", () =>
  describeWithPeer("pebble", () => {
    let copy: ExampleCopy;
    beforeAll(async () => {
      copy = await ExampleCopy.make({
        name: "stateless",
        beside: ["letsencrypt", "nginx-front"],
        ports: [14030, 14080, 14443, 14081, 14073],
        programs: ["pebble", "nginx"],
      });
    });
    afterAll(() => copy?.remove());

    it("says what to install where there is no nginx, and leaves nothing running", async () => {
      const bare = join(copy.folder, "bare");
      mkdirSync(bare);
      const programs = ["pulumi", "openssl", "pebble", "pebble-challtestsrv"];
      for (const name of programs) symlinkSync(requirePeer(name).path, join(bare, name));
      const failure: unknown = await copy.script("up", { PATH: bare }).catch((error) => error);
      const text = failure instanceof Error ? failure.message : "";
      expect(text).toMatch(
        /^The program nginx is not on PATH: this example starts one\. Install the package nginx-light\.$/m,
      );
      expect(text).not.toMatch(/^ +at /m);
      expect(await copy.remains()).toEqual([]);
    });

    it("is one up from nothing, and a renewal changes the certificate and the deployed files alone", async () => {
      const shown = await copy.script("up");
      const [first = "", second = ""] = shown.split("=== Second run");
      expect(first).toContain(`${RESOURCES} created`);
      const [preview = "", update = ""] = second.split("Updating (local)");
      expect(preview).toMatch(/^ {4}~ 2 to update\n {4}5 unchanged$/m);
      expect(update).toMatch(/^ {4}~ 2 updated\n {4}5 unchanged$/m);
      for (const changed of ["AcmeCertificate files", "ServerCommand gateway"]) {
        expect(update).toMatch(new RegExp(`^ ~ {2}\\S+:${changed} updated`, "m"));
      }
      const { thumbprint } = copy.outputs("AcmeAccount ca");
      const page = `asked for /shared of ${host}:${copy.port(14443)}`;
      const serials = [first, update].map((part) => {
        const [, serial = "?"] = /^serialNumber: ([0-9a-f]+)$/m.exec(part) ?? [];
        expect(part).toContain(`https (TLSv1.3, verified, certificate ${serial}) /shared: 200, ${page}`);
        expect(part).toContain(`http /.well-known/acme-challenge/any-token: 200, any-token.${thumbprint}`);
        return serial;
      });
      expect(new Set(serials).size).toBe(2);
      expect(copy.outputs("AcmeCertificate files")).toMatchObject({ serialNumber: serials[1], validatedBy: "http-01" });
      expect(copy.read("local-ca/pebble.log").match(/Added order/g)).toHaveLength(2);
      expect(await copy.remains()).toEqual([]);
      expect(copy.readmeTexts().length).toBeGreaterThan(1);
      for (const text of copy.readmeTexts()) expect(copy.asShown(shown)).toContain(copy.asShown(text));
    });

    it("installs the responder once, and the gateway once for each certificate", () => {
      const sets = (directory: string) => readdirSync(join(copy.folder, "nginx", directory, "sets"));
      expect([sets("acme-responder").length, sets("tls-gateway").length]).toEqual([1, 2]);
    });

    it("has a certificate that openssl verifies by the local CA's root alone", () => {
      expect(copy.verify("files", host)).toBe("leaf.pem: OK\n");
    });

    it("has nothing to do afterwards, though the CA and nginx are gone", async () => {
      expect(await copy.script("preview")).toMatch(new RegExp(`^ {4}${RESOURCES} unchanged$`, "m"));
    });

    it("shows no key, and keeps none in clear but in the files of the server, which are the owner's alone", async () => {
      // the account's, the one for a rehearsal, and the certificate's, which the script of the gateway holds too
      expect(await copy.scanForKeys()).toEqual({ count: 3, leaks: [] });
    });

    it("is gone after destroy", async () => {
      expect(await copy.script("destroy")).toContain(`${RESOURCES} deleted`);
    });

    it("is the same program at Let's Encrypt with the lines of Pulumi.yaml that README names, and starts no CA", async () => {
      copy.moveTo("letsencrypt", ["caBundle", "dnsAddress"]);
      const shown = await copy.script("preview");
      expect(shown).toContain(
        `orders a certificate for ${host}; at letsencrypt by http-01 (the gateway); rehearsed at letsencrypt-staging first`,
      );
      expect(shown).toContain(`${RESOURCES} to create`);
      expect(existsSync(join(copy.folder, "local-ca"))).toBe(false);
    });
  }),
);
