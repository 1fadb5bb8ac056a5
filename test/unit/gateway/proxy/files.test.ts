import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileName, proxyFiles, proxyProbes } from "../../../../provider/src/gateway/proxy/files";
import { listenersOf } from "../../../../provider/src/gateway/proxy/listeners";
import type { ProxyOptions } from "../../../../provider/src/gateway/proxy/options";
import { proxySite } from "../../../support/gateway/proxy-sites";

const options: ProxyOptions = { version: "1", directory: "/etc/x", httpPort: 80, ipv6: false };
const certified = (site: string, name: string) =>
  proxySite(site, { hostnames: [`${site}.test`], tls: { certificate: { name } } });

describe("the files of a proxy", () => {
  it("are certificate and key, or one file with both, and the authorities, each by its source", () => {
    const site = proxySite("web", {
      upstream: { url: "https://a.test:443", rootCa: true },
      clientAuth: { ca: true },
    });
    expect(
      proxyFiles([site], options, "pair").map(({ path, mode, source }) => [path, mode, source.of, source.part]),
    ).toEqual([
      ["/etc/x/current/certs/web-leaf-key.pem", "0600", "leaf", "privateKeyPem"],
      ["/etc/x/current/certs/web-leaf.pem", "0644", "leaf", "fullChainPem"],
      ["/etc/x/current/roots/web-clients.pem", "0644", "clientAuth", "caPem"],
      ["/etc/x/current/roots/web-upstream.pem", "0644", "upstream", "caPem"],
    ]);
    expect(proxyFiles([site], options, "single").map(({ path, mode, source }) => [path, mode, source.part])[0]).toEqual(
      ["/etc/x/current/certs/web-leaf.pem", "0600", "haproxyPem"],
    );
  });

  it("let a group that is named read the keys, and nobody else", () => {
    const modes = proxyFiles([proxySite("web", {})], { ...options, group: "ssl-cert" }, "pair").map(({ mode }) => mode);
    expect(modes).toEqual(["0640", "0644"]);
  });

  it("have a path of their own, whatever sites and certificates are called", () => {
    const word = fc.array(
      fc.constantFrom("a", "-key", "-leaf", "=", ".", "/", "é", "A", "-upstream", "-clients", "=2e="),
      { minLength: 1, maxLength: 4 },
    );
    const name = word.map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 2, maxLength: 6 }),
        fc.array(name, { minLength: 6, maxLength: 6 }),
        (sites, names) => {
          const all = sites.map((site, index) => {
            const extra = {
              upstream: { url: "https://a.test:443", rootCa: true as const },
              clientAuth: { ca: true as const },
            };
            return index % 2 === 0
              ? proxySite(site, extra)
              : proxySite(site, { ...extra, tls: { certificate: { name: names[index] ?? "x" } } });
          });
          const sources = new Map<string, string>();
          for (const { path, source } of all.flatMap((site) => proxyFiles([site], options, "pair"))) {
            const text = JSON.stringify(source);
            expect(sources.get(path) ?? text).toBe(text);
            sources.set(path, text);
            expect(path).toMatch(/^\/etc\/x\/current\/(certs|roots)\/[A-Za-z0-9_@+=-][A-Za-z0-9._@+=-]*\.pem$/);
          }
        },
      ),
    );
  });

  it("have names that every file system takes", () => {
    const [one, other] = ["é".repeat(127), `${"é".repeat(126)}e`].map(fileName);
    expect(one).not.toBe(other);
    expect([one?.length, other?.length]).toEqual([200, 200]);
  });

  it("are named injectively", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (one, other) => {
        fc.pre(one !== other);
        expect(fileName(one)).not.toBe(fileName(other));
      }),
    );
  });
});

describe("the handshakes that prove a gateway", () => {
  it("are one for each name and listener, by an address of the machine itself", () => {
    const sites = [
      certified("a", "one"),
      proxySite("b", { binds: ["0.0.0.0:8443"] }),
      { ...certified("w", "one"), hostnames: ["*.w.test"] },
    ];
    const { probes, unprobed } = proxyProbes(listenersOf(sites, { ...options, ipv6: true }), options, "pair");
    expect(unprobed).toEqual([]);
    expect(
      probes.map(({ address, port, serverName, certificate }) => [
        address,
        port,
        serverName,
        certificate.split("/").at(-1),
      ]),
    ).toEqual([
      ["127.0.0.1", 443, "a.test", "one.pem"],
      ["127.0.0.1", 443, "tls-gateway-probe.w.test", "one.pem"],
      ["::1", 443, "a.test", "one.pem"],
      ["::1", 443, "tls-gateway-probe.w.test", "one.pem"],
      ["127.0.0.1", 8443, undefined, "b-leaf.pem"],
      ["::1", 8443, undefined, "b-leaf.pem"],
    ]);
  });

  it("are not tried where the PROXY protocol is spoken, which is said", () => {
    const site = { ...certified("a", "one"), proxyProtocol: { trusted: ["10.0.0.1"] } };
    const { probes, unprobed } = proxyProbes(listenersOf([site], options), options, "pair");
    expect(probes).toEqual([]);
    expect(unprobed).toEqual([expect.stringMatching(/^0\.0\.0\.0:443 speaks the PROXY protocol/)]);
  });
});
