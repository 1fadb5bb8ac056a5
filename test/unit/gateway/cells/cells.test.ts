import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { cells } from "../../../../provider/src/gateway/cells/cells";
import { gatewayKinds } from "../../../../provider/src/gateway/kinds";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { siteListArbitrary } from "../../../support/gateway/site-arbitraries";

const v4 = cells.parseOptions(undefined);
const v5 = cells.parseOptions({ version: "5" });

function render(...inputs: object[]): ReturnType<typeof cells.render> & { readonly notes: readonly string[] } {
  const sites = acceptedSites(...inputs);
  return { ...cells.render(sites, v4), notes: cells.notes(sites, v4) };
}

/** The sites as Cells reads them. */
function cellsSites(text: string): unknown {
  return JSON.parse(text).defaults.sites;
}

test("it is the kind cells", () => {
  expect(gatewayKinds.cells).toBe(cells);
  expect(cells.kind).toBe("cells");
});

test("the JSON has Go's names, numbers for enumerations, and no zero values", () => {
  const sites = acceptedSites(
    {
      name: "a",
      binds: ["share.example.com:443"],
      externalUrl: "https://share.example.com",
      redirectToHttps: true,
      tls: { certificate: { certFile: "/abs/fullchain.pem", keyFile: "/abs/key.pem" } },
    },
    {
      name: "b",
      binds: ["le.example.com:443"],
      tls: { letsEncrypt: { email: "a@example.com", acceptEula: true, staging: true } },
    },
    { name: "c", binds: [":8443"], tls: { selfSigned: { hostnames: ["cells.internal", "10.0.0.5"] } } },
    {
      name: "d",
      binds: [":8080"],
      tls: "disabled",
      maintenance: { except: ["10.0.0.0/8", "10.0.0.0/8"], conditions: ["method GET"] },
      routing: [
        { route: "*", effect: "allow" },
        { route: "public", effect: "allow", rewrite: "/p" },
        { route: "io", effect: "deny" },
      ],
      headers: [
        { on: "response", action: "set", name: "X-Frame-Options", value: "SAMEORIGIN" },
        { on: "request", action: "append", name: "X-A", value: "a" },
        { on: "response", action: "addIfAbsent", name: "X-B", value: "b" },
        { on: "response", action: "replace", name: "X-C", value: "c" },
        { on: "response", action: "remove", name: "Server" },
      ],
    },
    { name: "e", binds: [":8444"], tls: { certificate: { name: "web" } } },
  );
  expect(cells.render(sites, v5).configuration).toBe(
    `${JSON.stringify(
      {
        defaults: {
          sites: [
            {
              Binds: ["share.example.com:443"],
              SSLRedirect: true,
              ReverseProxyURL: "https://share.example.com",
              TLSConfig: { Certificate: { CertFile: "/abs/fullchain.pem", KeyFile: "/abs/key.pem" } },
            },
            {
              Binds: ["le.example.com:443"],
              TLSConfig: { LetsEncrypt: { Email: "a@example.com", AcceptEULA: true, StagingCA: true } },
            },
            { Binds: ["0.0.0.0:8443"], TLSConfig: { SelfSigned: { Hostnames: ["10.0.0.5", "cells.internal"] } } },
            {
              Binds: ["0.0.0.0:8080"],
              Maintenance: true,
              MaintenanceConditions: ["not remote_ip 10.0.0.0/8", "method GET"],
              Routing: [
                { Matcher: "*", Effect: 1 },
                { Matcher: "public", Effect: 1, Action: "Rewrite", Value: "/p" },
                { Matcher: "io" },
              ],
              HeaderMods: [
                { ApplyTo: 1, Action: 2, Key: "X-Frame-Options", Value: "SAMEORIGIN" },
                { Key: "X-A", Value: "a" },
                { ApplyTo: 1, Action: 1, Key: "X-B", Value: "b" },
                { ApplyTo: 1, Action: 3, Key: "X-C", Value: "c" },
                { ApplyTo: 1, Action: 4, Key: "Server" },
              ],
            },
            {
              Binds: ["0.0.0.0:8444"],
              TLSConfig: {
                Certificate: { CertFile: "/var/cells/certs/web.pem", KeyFile: "/var/cells/certs/web-key.pem" },
              },
            },
          ],
        },
      },
      undefined,
      2,
    )}\n`,
  );
});

test("sites stand in the order of their names, whatever the order of the list", () => {
  const [a, b] = ["a", "b"].map((name) => ({ name, binds: [`${name}.test:80`], tls: "disabled" }));
  expect(render(b as object, a as object)).toEqual(render(a as object, b as object));
});

test("a self-signed site without names lets Cells find them, and with any it says them", () => {
  const tls = { selfSigned: {} };
  const one = (site: object) => cellsSites(render({ name: "a", binds: [":8443"], tls, ...site }).configuration);
  expect(one({})).toEqual([{ Binds: ["0.0.0.0:8443"], TLSConfig: { SelfSigned: {} } }]);
  expect(one({ hostnames: ["b.test", "a.test"] })).toMatchObject([
    { TLSConfig: { SelfSigned: { Hostnames: ["a.test", "b.test"] } } },
  ]);
  expect(one({ binds: ["a.test:443"], tls: { selfSigned: { ca: "local" } } })).toMatchObject([
    { TLSConfig: { SelfSigned: { Hostnames: ["a.test"] } } },
  ]);
});

describe("the install file", () => {
  test("has lower-case keys throughout and otherwise says the same as the JSON", () => {
    fc.assert(
      fc.property(siteListArbitrary, (input) => {
        const { configuration } = cells.render(acceptedSites(...input), v5);
        const installYaml = cells.renderInstall?.(acceptedSites(...input), v5) ?? "";
        const lower = JSON.stringify(cellsSites(configuration)).replace(/"([A-Za-z]+)":/g, (key) => key.toLowerCase());
        for (const version of ["1.1", "1.2"] as const) {
          expect(parse(installYaml, { version })).toEqual({ proxyconfigs: JSON.parse(lower) });
        }
      }),
    );
  });

  test("is block style, its texts in double quotes", () => {
    expect(
      cells.renderInstall?.(
        acceptedSites({ name: "a", binds: [":8443"], tls: { selfSigned: { hostnames: ["10.0.0.5"] } } }),
        v5,
      ),
    ).toBe(
      [
        "proxyconfigs:",
        "  - binds:",
        '      - "0.0.0.0:8443"',
        "    tlsconfig:",
        "      selfsigned:",
        "        hostnames:",
        '          - "10.0.0.5"',
        "",
      ].join("\n"),
    );
  });
});

describe("the environment", () => {
  test("fixes the gRPC port where a site has no TLS, on Cells 4 only", () => {
    const sites = acceptedSites({ name: "a", binds: [":8080"], tls: "disabled" });
    const expected = { CELLS_GRPC_EXTERNAL: "33060", CELLS_WORKING_DIR: "/var/cells" };
    expect(cells.render(sites, v4).environment).toEqual(expected);
    expect(cells.render(sites, v5).environment).toEqual({ CELLS_WORKING_DIR: "/var/cells" });
    const own = acceptedSites({ name: "a", binds: [":8080"], tls: "disabled", grpcPort: 33061 });
    expect(cells.render(own, v4).environment.CELLS_GRPC_EXTERNAL).toBe("33061");
    expect(render({ name: "a", binds: [":8443"], tls: { selfSigned: {} } }).environment).toEqual({
      CELLS_WORKING_DIR: "/var/cells",
    });
  });

  test.each<[string, object, Record<string, string>]>([
    ["no TLS", { binds: [":80"], tls: "disabled" }, { CELLS_SITE_BIND: "0.0.0.0:80", CELLS_SITE_NO_TLS: "1" }],
    ["self-signed", { binds: [":443"], tls: { selfSigned: {} } }, { CELLS_SITE_BIND: "0.0.0.0:443" }],
    [
      "self-signed of the bind's host",
      { binds: ["a.test:443"], tls: { selfSigned: { ca: "local" } }, externalUrl: "https://b.test" },
      { CELLS_SITE_BIND: "a.test:443", CELLS_SITE_EXTERNAL: "https://b.test" },
    ],
    [
      "a certificate",
      { binds: [":443"], tls: { certificate: { certFile: "/a", keyFile: "/b" } } },
      { CELLS_SITE_BIND: "0.0.0.0:443", CELLS_SITE_TLS_CERT_FILE: "/a", CELLS_SITE_TLS_KEY_FILE: "/b" },
    ],
    [
      "Let's Encrypt",
      { binds: ["a.test:443"], tls: { letsEncrypt: { email: "a@b.test", acceptEula: true, staging: true } } },
      {
        CELLS_SITE_BIND: "a.test:443",
        CELLS_SITE_LE_EMAIL: "a@b.test",
        CELLS_SITE_LE_AGREE: "1",
        CELLS_SITE_LE_STAGING: "1",
      },
    ],
  ])("says one site with %s", (_, site, variables) => {
    expect(render({ name: "a", ...site })).toMatchObject({ siteEnvironment: variables });
    expect(render({ name: "a", ...site }).siteEnvironment).toEqual(variables);
  });

  test.each<[object, RegExp]>([
    [{ binds: [":443", ":8443"] }, /more than one of the binds/],
    [{ redirectToHttps: true }, /redirectToHttps of site "a"/],
    [{ maintenance: true }, /maintenance/],
    [{ routing: [{ route: "*", effect: "allow" }] }, /routing/],
    [{ hostnames: ["a.test"] }, /host names of the self-signed certificate/],
    [{ tls: { selfSigned: { hostnames: ["a.test"] } } }, /host names of the self-signed certificate/],
  ])("can't say %j, and the reason is given", (site, reason) => {
    const rendering = render({ name: "a", binds: [":443"], tls: { selfSigned: {} }, ...site });
    expect(rendering.siteEnvironment).toBeUndefined();
    expect(rendering.siteEnvironmentReason).toMatch(reason);
  });

  test("can't say two sites", () => {
    const two = ["a", "b"].map((name) => ({ name, binds: [`${name}.test:80`], tls: "disabled" }));
    expect(render(...two).siteEnvironmentReason).toMatch(/one site, and there are 2/);
  });
});

describe("files", () => {
  test("of a certificate are its chain and its key, and its root where it has one", () => {
    const tls = { certificate: { name: "web", root: true } };
    const files = cells.files(
      acceptedSites({ name: "a", binds: [":443"], tls }, { name: "b", binds: [":8443"], tls }),
      v4,
    );
    expect(files.map(({ path, mode, source }) => [path, mode, source.of, source.name, source.part])).toEqual([
      ["/var/cells/certs/web-key.pem", "0600", "certificate", "web", "privateKeyPem"],
      ["/var/cells/certs/web-rootCA.pem", "0644", "certificate", "web", "issuerPem"],
      ["/var/cells/certs/web.pem", "0644", "certificate", "web", "fullChainPem"],
    ]);
  });

  test("of a self-signed site with a CA are the root, without its key, and the leaf under the name that Cells computes", () => {
    const options = cells.parseOptions({ workingDirectory: "/srv/cells/", certificateDirectory: "/etc/ssl" });
    const site = {
      name: "a",
      binds: [":443"],
      hostnames: ["sub1.pydio", "127.0.0.1"],
      tls: { selfSigned: { ca: "local" } },
    };
    const md5 = createHash("md5").update("127.0.0.1##sub1.pydio").digest("hex");
    const files = cells.files(acceptedSites(site), options);
    expect(files.map(({ path, mode, source }) => [path, mode, source.of, source.name, source.part]).sort()).toEqual(
      [
        [`/srv/cells/certs/${md5}-key.pem`, "0600", "leaf", "a", "privateKeyPem"],
        [`/srv/cells/certs/${md5}.pem`, "0644", "leaf", "a", "certPem"],
        ["/srv/cells/certs/rootCA.pem", "0644", "ca", "local", "certPem"],
      ].sort(),
    );
  });

  test("of sites with the same self-signed names are one leaf, that of the first by name", () => {
    const site = (name: string, bind: string) => ({
      name,
      binds: [bind],
      hostnames: ["a.test"],
      tls: { selfSigned: { ca: "c" } },
    });
    const sites = acceptedSites(site("b", ":8443"), site("a", ":443"));
    expect(cells.checkSites(sites, v4)).toEqual([]);
    const leaves = cells.files(sites, v4).filter(({ source }) => source.of === "leaf");
    expect(leaves.map(({ source }) => source.name)).toEqual(["a", "a"]);
  });

  test("are none for what Cells or somebody else provides", () => {
    const sites = acceptedSites(
      { name: "a", binds: [":443"], tls: { selfSigned: {} } },
      { name: "b", binds: [":8443"], tls: { certificate: { certFile: "/a", keyFile: "/b" } } },
      { name: "c", binds: ["c.example.com:444"], tls: { letsEncrypt: { email: "a@b.test", acceptEula: true } } },
      { name: "d", binds: [":8080"], tls: "disabled" },
    );
    expect(cells.files(sites, v4)).toEqual([]);
  });
});

describe("ports to open", () => {
  test("are the sites', 80 for redirects and challenges, and that of gRPC without TLS, each with its reason", () => {
    const sites = acceptedSites(
      { name: "b", binds: [":443"], tls: { selfSigned: {} }, redirectToHttps: true },
      { name: "a", binds: ["a.example.com:443"], tls: { letsEncrypt: { email: "a@b.test", acceptEula: true } } },
      { name: "c", binds: [":8080"], tls: "disabled" },
    );
    expect(cells.firewallPorts(sites, v4)).toEqual([
      {
        port: 80,
        protocol: "tcp",
        reason: "http-01 challenges of Let's Encrypt; redirect from HTTP to HTTPS",
        sites: ["a", "b"],
      },
      { port: 443, protocol: "tcp", reason: "HTTPS and gRPC of the sites", sites: ["a", "b"] },
      { port: 8080, protocol: "tcp", reason: "HTTP of the sites", sites: ["c"] },
      {
        port: 33060,
        protocol: "tcp",
        reason: "gRPC of sites without TLS, for CellsSync (CELLS_GRPC_EXTERNAL)",
        sites: ["c"],
      },
    ]);
  });

  test("of Cells 5 have no separate one for gRPC", () => {
    const sites = acceptedSites({ name: "c", binds: [":8080"], tls: "disabled" });
    expect(cells.firewallPorts(sites, v5)).toEqual([
      { port: 8080, protocol: "tcp", reason: "HTTP and gRPC of the sites", sites: ["c"] },
    ]);
  });
});

test("notes say what may surprise", () => {
  const notes = render(
    { name: "a", binds: ["192.168.1.5:8080"], tls: "disabled", externalUrl: "https://a.test" },
    { name: "b", binds: [":8002"], tls: "disabled", externalUrl: "https://b.test" },
  ).notes.join("\n");
  expect(notes).toMatch(/192\.168\.1\.5:8080 does not restrict the interface/);
  expect(notes).toMatch(/port 8002 is one that Cells uses internally/);
  expect(notes).toMatch(/https:\/\/a\.test of site "a", as its default/);
  expect(render({ name: "a", binds: [":443"], tls: { selfSigned: {} }, grpcPort: 33060 }).notes).toEqual([
    'Site "a": grpcPort is not used, since every site has TLS.',
  ]);
  expect(render({ name: "a", binds: [":8443"], tls: { selfSigned: {} } }).notes).toEqual([]);
});

test("the commands stop Cells, merge the sites as the owner of its folder, and start it again", () => {
  expect(cells.commands([], v4).apply).toEqual([
    "systemctl stop cells",
    `su -s /bin/sh "$(stat -c %U /var/cells)" -c 'cp -p /var/cells/pydio.json /var/cells/pydio.json.before-tls-gateway && ` +
      '(umask 077 && jq -s ".[0] * .[1]" /var/cells/pydio.json.before-tls-gateway /var/cells/tls-gateway-sites.json > /var/cells/pydio.json.next) && ' +
      "test -s /var/cells/pydio.json.next && cat /var/cells/pydio.json.next > /var/cells/pydio.json && rm /var/cells/pydio.json.next'",
    "systemctl start cells",
  ]);
});

describe("options", () => {
  test("have the defaults of Cells", () => {
    expect(v4).toEqual({
      version: "4",
      workingDirectory: "/var/cells",
      certificateDirectory: "/var/cells/certs",
      grpcPort: 33060,
    });
    expect(cells.parseOptions({ workingDirectory: "/srv" }).certificateDirectory).toBe("/srv/certs");
  });

  test.each<[unknown, RegExp]>([
    ["5", /options: found "5", expected an object/],
    [[], /options: found object, expected an object/],
    [{ version: 5 }, /options\.version: found 5, expected "4" or "5"/],
    [{ workingDir: "/x" }, /options\.workingDir is not an option of kind cells, which takes version, workingDirectory/],
    [{ workingDirectory: "cells" }, /options\.workingDirectory: found "cells", expected an absolute path/],
    [{ workingDirectory: "/var/../etc" }, /expected an absolute path/],
    [{ certificateDirectory: "/a; rm -rf /" }, /options\.certificateDirectory/],
    [{ grpcPort: 70000 }, /options\.grpcPort: found 70000, expected a port/],
    [{ grpcPort: "33060" }, /options\.grpcPort: found "33060"/],
  ])("refuse %j", (input, reason) => {
    expect(() => cells.parseOptions(input)).toThrow(reason);
    expect(() => cells.parseOptions(input)).toThrow(/^GATEWAY_INVALID/);
  });
});
