import { describe, expect, it } from "vitest";
import { caddy } from "../../../../provider/src/gateway/caddy/caddy";
import { renderCaddyfile } from "../../../../provider/src/gateway/caddy/caddyfile";
import { checkFeatures } from "../../../../provider/src/gateway/model/features";
import { acceptedSites } from "../../../support/gateway/cells-sites";

const web = {
  name: "web",
  binds: ["0.0.0.0:443"],
  hostnames: ["web.test"],
  tls: { certificate: { name: "web" } },
  upstream: { url: "http://10.0.0.5:8080" },
};

/** Readers of a configuration, as far as a test looks. */
interface Server {
  readonly listen: readonly string[];
  readonly routes: readonly object[];
  readonly strict_sni_host?: boolean;
  readonly protocols: readonly string[];
  readonly tls_connection_policies?: readonly Readonly<Record<string, unknown>>[];
  readonly listener_wrappers?: readonly object[];
}

interface Configuration {
  readonly admin: object;
  readonly apps: { readonly http: { readonly servers: Readonly<Record<string, Server>> }; readonly tls?: object };
}

function rendered(options: object, ...inputs: readonly object[]): Configuration {
  const parsed = caddy.parseOptions(options);
  const sites = acceptedSites(...inputs);
  expect(caddy.checkSites(sites, parsed)).toEqual([]);
  return JSON.parse(caddy.render(sites, parsed).configuration) as Configuration;
}

function problems(options: object, ...inputs: readonly object[]): readonly string[] {
  const found = caddy.checkSites(acceptedSites(...inputs), caddy.parseOptions(options));
  return found.map(({ site, property, reason }) => `${site} ${property}: ${reason}`);
}

describe("the configuration", () => {
  it("has a server for each port, with what each name is offered and leads to", () => {
    const { admin, apps } = rendered({}, { ...web, redirectToHttps: true });
    expect(admin).toEqual({ listen: "localhost:2019" });
    expect(Object.keys(apps.http.servers)).toEqual(["0.0.0.0:80", "0.0.0.0:443"]);
    const server = apps.http.servers["0.0.0.0:443"];
    expect(server?.listen).toEqual(["tcp4/0.0.0.0:443", "tcp6/[::]:443"]);
    expect(server?.strict_sni_host).toBe(true);
    expect(server?.protocols).toEqual(["h1", "h2"]);
    expect(server?.tls_connection_policies).toEqual([
      {
        match: { sni: ["web.test"] },
        certificate_selection: { any_tag: ["web"] },
        alpn: ["h2", "http/1.1"],
        protocol_min: "tls1.2",
        cipher_suites: expect.arrayContaining(["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]),
        curves: ["x25519", "secp256r1", "secp384r1"],
      },
    ]);
    expect(apps.http.servers["0.0.0.0:80"]?.routes).toContainEqual({
      match: [{ host: ["web.test"] }],
      handle: [
        {
          handler: "static_response",
          status_code: 308,
          headers: { Location: ["https://{http.request.host}{http.request.uri}"] },
        },
      ],
      terminal: true,
    });
    expect(apps.tls).toEqual({
      certificates: {
        load_files: [
          {
            certificate: "/etc/caddy/tls-gateway/current/certs/web.pem",
            key: "/etc/caddy/tls-gateway/current/certs/web-key.pem",
            tags: ["web"],
          },
        ],
      },
      session_tickets: { disabled: true },
      disable_ocsp_stapling: true,
    });
  });

  it("of a later Caddy has what only later ones can", () => {
    const proxied = { ...web, proxyProtocol: { trusted: ["10.0.0.0/8", "192.0.2.1", "2001:db8::1"] } };
    const server = rendered({ version: "2.11" }, proxied).apps.http.servers["0.0.0.0:443"];
    expect(server?.tls_connection_policies?.[0]?.curves).toEqual([
      "x25519mlkem768",
      "x25519",
      "secp256r1",
      "secp384r1",
    ]);
    expect(server?.listener_wrappers).toEqual([
      { wrapper: "proxy_protocol", timeout: "5s", allow: ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::1/128"] },
      { wrapper: "tls" },
    ]);
  });

  it("does not show the order of sites, and a certificate that two sites have is loaded once", () => {
    const other = { ...web, name: "other", hostnames: ["other.test"] };
    const options = caddy.parseOptions({});
    const [one, two] = [acceptedSites(web, other), acceptedSites(other, web)];
    expect(caddy.render(two, options)).toEqual(caddy.render(one, options));
    expect(caddy.install?.(two, options)).toEqual(caddy.install?.(one, options));
    expect(JSON.stringify(rendered({}, web, other).apps.tls)).toContain('"tags":["other","web"]');
  });

  it("asks authorities for the names of sites that want it", () => {
    const made = { ...web, name: "made", hostnames: ["made.test"], tls: { selfSigned: {} } };
    const asked = {
      ...web,
      name: "asked",
      hostnames: ["asked.example.com"],
      tls: { letsEncrypt: { email: "a@example.com", acceptEula: true, staging: true } },
    };
    const { apps } = rendered({}, made, asked);
    expect(apps.tls).toMatchObject({
      certificates: { automate: ["asked.example.com", "made.test"] },
      automation: {
        policies: [
          {
            subjects: ["asked.example.com"],
            issuers: [
              {
                module: "acme",
                ca: "https://acme-staging-v02.api.letsencrypt.org/directory",
                email: "a@example.com",
              },
            ],
          },
          { subjects: ["made.test"], issuers: [{ module: "internal" }] },
        ],
      },
    });
    expect(apps).toMatchObject({ pki: { certificate_authorities: { local: { install_trust: false } } } });
  });

  it("keeps more certificates in memory than Caddy does by itself, where there are more", () => {
    const options = caddy.parseOptions({});
    const many = acceptedSites(web).flatMap((site) =>
      Array.from({ length: 5001 }, (_, index) => ({
        ...site,
        name: `s${index}`,
        hostnames: [`s${index}.test`],
        tls: { certificate: { name: `c${index}` } },
      })),
    );
    expect(caddy.render(many, options).configuration).toContain('"cache": { "capacity": 20004 }');
  });
});

describe("what Caddy can't serve", () => {
  it("is told with what to do", () => {
    expect(problems({}, { ...web, proxyProtocol: { trusted: ["10.0.0.1"] } })).toEqual([
      expect.stringMatching(/^web proxyProtocol: Caddy 2\.6 can't read the PROXY protocol.*version: "2\.11"/),
    ]);
    expect(problems({ httpPort: 443 }, web)).toEqual([
      "web binds: 0.0.0.0:443 has TLS on port 443, which Caddy takes for plain HTTP: change the bind, or options.httpPort",
    ]);
    const changes = [{ on: "request", action: "remove", name: "host" }];
    expect(problems({}, { ...web, headers: changes })).toEqual([
      expect.stringMatching(/^web headers\[0\]\.action: found "remove" of Host.*use "set"/),
    ]);
  });

  it("of certificates by itself", () => {
    const { hostnames: _, ...nameless } = web;
    expect(problems({}, { ...nameless, tls: { selfSigned: {} } })).toEqual([
      expect.stringMatching(/^web hostnames: .*list the names in hostnames$/),
    ]);
    const tls = { letsEncrypt: { email: "a@example.com", acceptEula: true } };
    const asked = { ...web, hostnames: ["asked.example.com"], tls };
    expect(problems({}, { ...asked, binds: ["0.0.0.0:8443"] })).toEqual([
      expect.stringMatching(/^web tls\.letsEncrypt: Let's Encrypt asks on port 443, or on 80/),
    ]);
    expect(problems({}, { ...asked, binds: ["0.0.0.0:8443"], redirectToHttps: true })).toEqual([]);
    const file = { ...asked, name: "file", binds: ["0.0.0.0:8443"], tls: web.tls };
    expect(problems({}, asked, file)).toEqual([
      expect.stringMatching(
        /^web tls: asked\.example\.com gets its certificate from Let's Encrypt as a@example\.com here and from a file in site "file"/,
      ),
    ]);
  });

  it("is said by its table", () => {
    const sites = acceptedSites({ ...web, maintenance: { conditions: ["method GET"] } });
    expect(checkFeatures("caddy", sites, { caddy }).map(({ reason }) => reason)).toEqual([
      "caddy takes JSON here, where a line of a Caddyfile means nothing: use maintenance.except. No kind can",
    ]);
  });
});

describe("options", () => {
  it("are judged", () => {
    expect(() => caddy.parseOptions({ version: "2.5" })).toThrow(/options\.version: found "2\.5"/);
    expect(() => caddy.parseOptions({ admin: "0.0.0.0:2019" })).toThrow(
      /options\.admin.*address of the machine itself/,
    );
    expect(() => caddy.parseOptions({ configFile: "/etc/caddy/Caddyfile" })).toThrow(/options\.configFile/);
    expect(caddy.parseOptions({ admin: "unix//run/caddy.sock" })).toMatchObject({ user: "caddy", group: "caddy" });
  });

  it("say who makes the service read the configuration", () => {
    const sites = acceptedSites(web);
    const paths = (options: object) =>
      caddy.install?.(sites, caddy.parseOptions(options)).entries.map(({ path, how }) => `${how} ${path}`);
    expect(paths({})).toEqual([
      "link /etc/caddy/caddy.json",
      "copy /etc/systemd/system/caddy.service.d/tls-gateway.conf",
    ]);
    expect(paths({ configFile: "/srv/caddy.json" })).toEqual(["link /srv/caddy.json"]);
    const [text] = Object.values(caddy.render(sites, caddy.parseOptions({})).texts ?? {});
    expect(text).toContain("ExecStart=\nExecStart=/usr/bin/caddy run --environ --config /etc/caddy/caddy.json\n");
  });
});

it("a Caddyfile tells the same for people", () => {
  const sites = acceptedSites({
    ...web,
    routing: [{ route: "/public", effect: "allow" }],
    maintenance: { except: ["10.0.0.0/8"] },
    headers: [
      { on: "response", action: "set", name: "X-A", value: 'say "a`\\' },
      { on: "request", action: "addIfAbsent", name: "X-B", value: 'b\\"' },
    ],
  });
  const text = renderCaddyfile(sites, caddy.parseOptions({}));
  expect(text).toContain("https://web.test:443 {\n");
  expect(text).toContain("  import untrusted\n");
  expect(text).toContain("    respond @refused 405\n    respond @strange 400\n    request_header @upgrade -Upgrade\n");
  expect(text).toContain("    request_header -X-Real-IP\n");
  expect(text).toContain("    request_header -*_*\n");
  expect(text).toContain("@maintenance not remote_ip 10.0.0.0/8\n");
  expect(text).toContain("# X-A has a value that a Caddyfile can't quote\n");
  expect(text).toContain('request_header @absent0 X-B `b\\"`\n');
  expect(text).toContain("handle @rule0 {\n");
});
