import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cells } from "../../../provider/src/gateway/cells/cells";
import { parseCondition } from "../../../provider/src/gateway/model/condition";
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { checkSiteInput } from "../../../provider/src/lifecycle/site/schema";
import { judgeCaddyfile, startCaddy } from "../../support/gateway/caddy";
import { renderCaddyfile, type Sandbox } from "../../support/gateway/cells-caddyfile";
import { acceptedSites } from "../../support/gateway/cells-sites";
import { type Handshake, request, handshake as shakeHands } from "../../support/gateway/loopback-client";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";
import { fuzzRuns } from "../../support/tier";
import { caExtensions, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const selfSigned = { tls: { selfSigned: { ca: "local" } } };
const certificate = { tls: { certificate: { name: "web" } } };
const letsEncrypt = { tls: { letsEncrypt: { email: "admin@example.com", acceptEula: true } } };
const plain = { tls: "disabled" };

describeWithPeer("caddy", (caddy) => {
  const folder = mkdtempSync(join(tmpdir(), "caddy-cells-"));
  const options = cells.parseOptions({ workingDirectory: folder });
  const pki = new OpensslPki();
  const root = pki.issue("/CN=Test Root", { extensions: caExtensions() });
  const intermediate = pki.issue("/CN=Test Intermediate", { issuer: root, extensions: caExtensions(0) });
  const web = pki.issue("/CN=web", {
    issuer: intermediate,
    extensions: leafExtensions("DNS:web.test,DNS:*.example.com"),
  });
  const local = pki.issue("/CN=Local CA", { extensions: caExtensions() });

  afterAll(() => {
    rmSync(folder, { recursive: true });
    pki.remove();
  });

  /** Places what `files` asks for, every leaf issued for the site's names by openssl. */
  function place(sites: readonly SiteData[]): void {
    for (const { path, mode, source } of cells.files(sites, options)) {
      const pair = source.of === "certificate" ? web : source.of === "ca" ? local : leafOf(source.name, sites);
      const chain = pair === web ? web.pem + intermediate.pem : pair.pem;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, source.part === "privateKeyPem" ? pair.keyPem : chain, { mode: Number.parseInt(mode, 8) });
    }
  }

  const leaves = new Map<string, typeof web>();
  function leafOf(name: string, sites: readonly SiteData[]): typeof web {
    const site = sites.find((one) => one.name === name);
    const names = [...(site?.hostnames ?? []), ...(site?.binds ?? []).map((bind) => bind.replace(/:\d+$/, ""))];
    const alternatives = names
      .filter((one) => one !== "0.0.0.0")
      .map((one) => (/^[\d.]+$/.test(one) ? `IP:${one}` : `DNS:${one}`));
    const text = [...new Set(alternatives)].sort().join(",");
    const leaf =
      leaves.get(text) ?? pki.issue(`/CN=leaf of ${name}`, { issuer: local, extensions: leafExtensions(text) });
    leaves.set(text, leaf);
    return leaf;
  }

  function caddyfile(sites: readonly SiteData[], sandbox?: Sandbox): string {
    place(sites);
    return renderCaddyfile(cells.render(sites, options).configuration, join(folder, "certs"), sandbox);
  }

  describe("serving what Cells would serve", () => {
    let ports = { http: 0, https: 0, other: 0, plain: 0, maintenance: 0 };
    let stop: (() => Promise<void>) | undefined;

    beforeAll(async () => {
      const [http = 0, https = 0, other = 0, plainPort = 0, maintenancePort = 0] = await freePorts(5);
      ports = { http, https, other, plain: plainPort, maintenance: maintenancePort };
      const sites = acceptedSites(
        { name: "web", binds: ["web.test:443"], ...certificate, redirectToHttps: true },
        { name: "share", binds: ["share.test:443"], ...selfSigned },
        {
          name: "all",
          binds: [`:${other}`],
          hostnames: ["cells.internal", "127.0.0.1"],
          ...selfSigned,
          redirectToHttps: true,
        },
        { name: "named", binds: [`named.test:${other}`], ...selfSigned },
        { name: "plain", binds: [`:${plainPort}`], ...plain },
        {
          name: "shut",
          binds: [`shut.test:${maintenancePort}`],
          ...plain,
          maintenance: { conditions: ["not path /public/*", "not path /api/*"] },
        },
        {
          name: "mine",
          binds: [`mine.test:${maintenancePort}`],
          ...plain,
          maintenance: { except: ["127.0.0.0/8", "::1"] },
        },
        {
          name: "others",
          binds: [`others.test:${maintenancePort}`],
          ...plain,
          maintenance: { except: ["192.0.2.1"] },
        },
      );
      expect(cells.checkSites(sites, options)).toEqual([]);
      ({ stop } = await startCaddy(caddy, folder, caddyfile(sites, { httpPort: http, httpsPort: https })));
    });
    afterAll(async () => stop?.());

    test("a custom certificate comes with its intermediate, so that the root alone verifies it", async () => {
      expect(await handshake(ports.https, "web.test", root.pem)).toEqual({ subject: "web", error: null });
    });

    test("another name on the same port gets its own self-signed certificate, from the leaf placed for it", async () => {
      expect(await handshake(ports.https, "share.test", local.pem)).toEqual({ subject: "leaf of share", error: null });
    });

    test("a name that no site has is refused in the handshake", async () => {
      await expect(handshake(ports.https, "unknown.test", root.pem)).rejects.toThrow(/alert/);
    });

    test("a site bound to all addresses answers any name with its certificate, beside a named one", async () => {
      expect(await handshake(ports.other, "cells.internal", local.pem)).toEqual({
        subject: "leaf of all",
        error: null,
      });
      expect(await handshake(ports.other, "named.test", local.pem)).toEqual({ subject: "leaf of named", error: null });
      expect((await handshake(ports.other, "unknown.test", local.pem)).subject).toBe("leaf of all");
      expect((await handshake(ports.other, "", local.pem)).subject).toBe("leaf of all");
    });

    test("HTTP is redirected to HTTPS for good, with path and query, and with the port unless it is 443", async () => {
      const named = await request(ports.http, "web.test", "/a/b?c=d");
      expect([named.status, named.location]).toEqual([301, "https://web.test/a/b?c=d"]);
      const any = await request(ports.http, "cells.internal", "/a?b");
      expect([any.status, any.location]).toEqual([301, `https://cells.internal:${ports.other}/a?b`]);
    });

    test("a site without TLS answers plain HTTP for every name", async () => {
      const answer = await request(ports.plain, "whatever.test", "/");
      expect([answer.status, answer.body]).toEqual([200, `0.0.0.0:${ports.plain}`]);
    });

    test("maintenance turns everybody away but the conditions' exceptions and the page itself", async () => {
      const at = async (path: string) => {
        const { status, location } = await request(ports.maintenance, "shut.test", path);
        return [status, location];
      };
      expect(await at("/")).toEqual([302, "/maintenance.html"]);
      expect(await at("/public/x")).toEqual([200, undefined]);
      expect(await at("/api/x")).toEqual([200, undefined]);
      expect(await at("/maintenance.html")).toEqual([200, undefined]);
    });

    test("maintenance lets the excepted addresses in, and no others", async () => {
      expect((await request(ports.maintenance, "mine.test", "/")).status).toBe(200);
      expect((await request(ports.maintenance, "others.test", "/")).status).toBe(302);
    });
  });

  describe("what the checks refuse breaks in Caddy too", () => {
    test.each<[string, RegExp, object, object?]>([
      [
        "the same bind",
        /ambiguous site definition/,
        { ...certificate, binds: [":443"] },
        { ...selfSigned, binds: [":443"], hostnames: ["a.test"] },
      ],
      [
        "the same host and port",
        /ambiguous site definition/,
        { ...certificate, binds: ["a.test:443"] },
        { ...selfSigned, binds: ["a.test:443"] },
      ],
      [
        "TLS and plain on one port",
        /cannot natively multiplex/,
        { ...certificate, binds: ["a.test:8443"] },
        { ...plain, binds: ["b.test:8443"] },
      ],
      [
        "two redirects of all hosts",
        /ambiguous site definition/,
        { ...certificate, binds: [":443"], redirectToHttps: true },
        { ...certificate, binds: [":8443"], redirectToHttps: true },
      ],
      [
        "two redirects of one host",
        /ambiguous site definition/,
        { ...certificate, binds: ["a.test:443"], redirectToHttps: true },
        { ...certificate, binds: ["a.test:8443"], redirectToHttps: true },
      ],
      [
        "a redirect over a plain site",
        /ambiguous site definition/,
        { ...certificate, binds: [":443"], redirectToHttps: true },
        { ...plain, binds: [":80"] },
      ],
      ["TLS on port 80", /\[:80\] is HTTP, but attempts to configure TLS/, { ...certificate, binds: [":80"] }],
      ["plain HTTP on port 443", /scheme and port violate convention/, { ...plain, binds: ["a.test:443"] }],
      [
        "Let's Encrypt and a file for one host",
        /more than one automation policy/,
        { ...certificate, binds: ["a.test:8443"] },
        { ...letsEncrypt, binds: ["a.test:443"] },
      ],
      [
        "Let's Encrypt and its staging for one host",
        /more than one automation policy/,
        { ...letsEncrypt, binds: ["a.test:8443"] },
        { tls: { letsEncrypt: { ...letsEncrypt.tls.letsEncrypt, staging: true } }, binds: ["a.test:443"] },
      ],
      [
        "two accounts at Let's Encrypt for one host",
        /more than one automation policy/,
        { ...letsEncrypt, binds: ["a.test:8443"] },
        { tls: { letsEncrypt: { ...letsEncrypt.tls.letsEncrypt, email: "b@example.com" } }, binds: ["a.test:443"] },
      ],
      ["a redirect of an IPv6 bind", /./, { ...certificate, binds: ["[2001:db8::1]:443"], redirectToHttps: true }],
    ])("%s", async (_, message, a, b) => {
      const sites = acceptedSites({ name: "a", ...a }, ...(b === undefined ? [] : [{ name: "b", ...b }]));
      expect(cells.checkSites(sites, options)).not.toEqual([]);
      const verdict = await judgeCaddyfile(caddy, folder, caddyfile(sites));
      expect(verdict.text).toMatch(message);
      expect(verdict.isValid).toBe(false);
    });

    /** Refused though Caddy starts: what it would then do is not what was asked for. */
    async function adapted(site: object): Promise<string> {
      const sites = acceptedSites({ name: "a", ...site });
      expect(cells.checkSites(sites, options)).not.toEqual([]);
      const { isValid, text } = await judgeCaddyfile(caddy, folder, caddyfile(sites), "adapt");
      expect(isValid).toBe(true);
      return text;
    }

    test("Let's Encrypt on all addresses: no name that a certificate would be asked for", async () => {
      const { apps } = JSON.parse(await adapted({ ...letsEncrypt, binds: [":443"] }));
      expect(apps.tls.automation.policies).toEqual([expect.not.objectContaining({ subjects: expect.anything() })]);
    });

    test("a redirect of a wildcard: it leads to the wildcard itself", async () => {
      expect(await adapted({ ...certificate, binds: ["*.a.test:443"], redirectToHttps: true })).toContain(
        "https://*.a.test{http.request.uri}",
      );
    });

    test("an address that holds 0.0.0.0: another host is left", async () => {
      expect(await adapted({ ...certificate, binds: ["10.0.0.0:8443"] })).toContain('"host":["1"]');
    });

    test("one host redirected to two ports: one of them is lost", async () => {
      const text = await adapted({ ...certificate, binds: ["a.test:443", "a.test:8443"], redirectToHttps: true });
      expect(text.match(/"Location":\["[^"]*"\]/g)).toEqual(['"Location":["https://a.test:8443{http.request.uri}"]']);
    });

    test("a name that no bind answers: only the binds' hosts are matched", async () => {
      const text = await adapted({ ...certificate, binds: ["a.test:443"], hostnames: ["b.test"] });
      expect(text).toContain('"host":["a.test"]');
      expect(text).not.toContain("b.test");
    });
  });

  test("a bind to an address does not restrict the interface, as the note says", async () => {
    const sites = acceptedSites({ name: "a", ...plain, binds: ["192.168.1.5:8080"] });
    const { text } = await judgeCaddyfile(caddy, folder, caddyfile(sites), "adapt");
    expect(text).toContain('"listen":[":8080"]');
    expect(cells.notes(sites, options)).toEqual([expect.stringContaining("does not restrict the interface")]);
  });

  test("whatever line of a matcher is accepted as a condition, Caddy loads", async () => {
    const matcher = fc.constantFrom(
      "client_ip",
      "file",
      "header",
      "host",
      "method",
      "path",
      "protocol",
      "query",
      "remote_ip",
      "vars",
    );
    const word = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.string({ unit: "grapheme", maxLength: 3 }),
      fc.constantFrom(
        '"a b"',
        "a=b",
        "10.0.0.0/8",
        "::1",
        "#",
        "<<X",
        "'",
        '"',
        "\\",
        "`",
        "&",
        "import",
        "@a",
        "=",
        "%",
        "*",
      ),
    );
    const line = fc
      .tuple(fc.constantFrom("", "not "), matcher, fc.array(word, { maxLength: 3 }))
      .map(([not, name, words]) => acceptedLine(`${not}${name} ${words.join(" ")}`))
      .filter((text) => text !== undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 30, maxLength: 60 }), async (lines) => {
        // two lines a site: lines of one set can get in each other's way
        const inputs = lines.flatMap((text, index) => {
          const maintenance = { conditions: [text, lines[(index * 7) % lines.length] ?? text] };
          const site = { name: `site${index}`, binds: [`h${index}.test:8080`], ...plain, maintenance };
          return "site" in checkSiteInput(site) ? [site] : [];
        });
        const { isValid, text } = await judgeCaddyfile(caddy, folder, caddyfile(acceptedSites(...inputs)));
        expect(isValid, text).toBe(true);
      }),
      { numRuns: fuzzRuns(8, 200), endOnFailure: true },
    );
  });

  test("whatever the checks accept, Caddy loads", async () => {
    const host = fc.constantFrom("0.0.0.0", "a.test", "b.test", "*.b.test", "192.168.1.5");
    const port = fc.constantFrom(80, 443, 8080, 8443);
    const bind = fc.tuple(host, port).map((parts) => parts.join(":"));
    const staging = { tls: { letsEncrypt: { ...letsEncrypt.tls.letsEncrypt, staging: true } } };
    const maintenance = fc.record(
      {
        except: fc.array(fc.constantFrom("10.0.0.0/8", "2001:db8::/32"), { minLength: 1 }),
        conditions: fc.array(
          fc.constantFrom(
            "not path /a",
            "header X-A *",
            "query a=b",
            'path "/a b"',
            "method GET",
            "client_ip private_ranges",
          ),
          { minLength: 1 },
        ),
      },
      { requiredKeys: [] },
    );
    const site = fc
      .record(
        {
          way: fc.constantFrom(
            certificate,
            { ...selfSigned, hostnames: ["a.test"] },
            letsEncrypt,
            staging,
            plain,
            plain,
          ),
          binds: fc.uniqueArray(bind, { minLength: 1, maxLength: 2 }),
          redirectToHttps: fc.boolean(),
          maintenance,
        },
        { requiredKeys: ["way", "binds"] },
      )
      .map(({ way, ...rest }) => ({ ...rest, ...way }));
    const runs = fuzzRuns(15, 600);
    let loaded = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(site, { minLength: 2, maxLength: 3 }), async (inputs) => {
        const sites = inputs.flatMap((input, index) => {
          const result = checkSiteInput({ name: `site${index}`, ...input });
          return "site" in result ? [result.site] : [];
        });
        fc.pre(sites.length > 0 && cells.checkSites(sites, options).length === 0);
        const { isValid, text } = await judgeCaddyfile(caddy, folder, caddyfile(sites));
        expect(isValid, `${text}\n${caddyfile(sites)}`).toBe(true);
        loaded += 1;
      }),
      { numRuns: runs },
    );
    expect(loaded).toBe(runs);
  });
});

/** A line of a matcher, or near to one; undefined where it is refused. */
function acceptedLine(text: string): string | undefined {
  try {
    return parseCondition(text);
  } catch {
    return undefined;
  }
}

/** The subject of the certificate that a name gets, and why it would not be trusted. */
async function handshake(port: number, servername: string, ca: string): Promise<Pick<Handshake, "subject" | "error">> {
  const { subject, error } = await shakeHands(port, servername, ca);
  return { subject, error };
}
