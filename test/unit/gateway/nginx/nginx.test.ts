import { expect, test } from "vitest";
import { nginx } from "../../../../provider/src/gateway/nginx/nginx";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { readNginxLines } from "../../../support/parsers/nginx-words";

const upstream = { url: "http://10.0.0.5:8080" };
const secure = { url: "https://app.internal:8443" };
const tls = { certificate: { certFile: "/etc/ssl/a b.pem", keyFile: "/etc/ssl/a.key" } };
const web = { name: "web", binds: [":443"], hostnames: ["a.test"], tls, upstream };

function rendered(inputs: readonly object[], options: object = {}) {
  const [accepted, parsed] = [acceptedSites(...inputs), nginx.parseOptions(options)];
  return { ...nginx.render(accepted, parsed), notes: nginx.notes(accepted, parsed) };
}

/** Every directive as one line, in order. */
function lines(inputs: readonly object[], options: object = {}): readonly string[] {
  return readNginxLines(rendered(inputs, options).configuration).map(({ words }) => words.join(" "));
}

/** The lines of the last site, without what every site has. */
function changed(more: object): readonly string[] {
  const plain = new Set(lines([web]));
  return lines([{ ...web, ...more }]).filter((line) => !plain.has(line));
}

function problems(more: object): readonly string[] {
  return nginx
    .checkSites(acceptedSites({ ...web, ...more }), nginx.parseOptions({}))
    .map(({ property, reason }) => `${property}: ${reason}`);
}

const header = (on: string, action: string, name: string, value?: string) => ({ on, action, name, value });

test("a site is a server, beside one for the names that no site has", () => {
  const text = rendered([{ ...web, redirectToHttps: true, hsts: { maxAgeSeconds: 300 } }]).configuration;
  const servers = text.slice(text.indexOf("server {"));
  expect(servers).toContain("listen 0.0.0.0:443 default_server ssl;\n");
  expect(servers).toContain("  ssl_reject_handshake on;\n  return 421;\n}");
  expect(servers).toContain("  return 308 https://$host$request_uri;\n}");
  expect(servers.slice(servers.lastIndexOf("server {")).split("\n").slice(0, 23).join("\n")).toBe(`server {
  listen 0.0.0.0:443 ssl;
  listen [::]:443 ssl;
  http2 on;
  server_name a.test;
  server_tokens off;
  ignore_invalid_headers on;
  underscores_in_headers off;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
  ssl_ecdh_curve X25519MLKEM768:X25519:prime256v1:secp384r1;
  ssl_prefer_server_ciphers off;
  ssl_session_tickets off;
  ssl_session_cache shared:tls_gateway:10m;
  ssl_stapling off;
  ssl_certificate "/etc/ssl/a b.pem";
  ssl_certificate_key "/etc/ssl/a.key";
  proxy_hide_header Strict-Transport-Security;
  add_header Strict-Transport-Security "max-age=300" always;
  if ($tls_gateway_misdirected) {
    return 421;
  }
  client_max_body_size 0;`);
});

test("nginx before 1.25.1 takes HTTP/2 as a word of listen", () => {
  const old = lines([web], { version: "1.22", opensslVersion: "3.0" });
  expect(old).toContain("listen 0.0.0.0:443 ssl http2");
  expect(old).not.toContain("http2 on");
  expect(old).toContain("ssl_ecdh_curve X25519:prime256v1:secp384r1");
});

test("the order of sites never shows, and no site renames another's variables", () => {
  const odd = { headers: [header("response", "addIfAbsent", "X-A", "1")] };
  const sites = [1, 2, 3].map((number) => ({ ...web, ...odd, name: `s${number}`, hostnames: [`s${number}.test`] }));
  const forward = rendered(sites).configuration;
  expect(rendered([...sites].reverse()).configuration).toBe(forward);
  const third = forward.slice(forward.indexOf('# site "s3"'));
  expect(rendered(sites.slice(2)).configuration.endsWith(third)).toBe(true);
  expect(forward.match(/map \$upstream_http_x_a /g)).toHaveLength(1);
});

test("a wildcard is one label", () => {
  expect(lines([{ ...web, hostnames: ["*.a.test", "b.test"] }])).toContain("server_name ~^[^.]+[.]a[.]test$ b.test");
});

test("a site without names is the default of its listener, and has no name to compare with", () => {
  const all = lines([{ ...web, hostnames: undefined }]);
  expect(all).toContain("listen 0.0.0.0:443 default_server ssl");
  expect(all).not.toContain("ssl_reject_handshake on");
  expect(all).not.toContain("if ($tls_gateway_misdirected)");
  expect(all).toContain("if ($tls_gateway_misdirected_host)");
});

test("a listener with client certificates keeps no sessions, for none of its sites", () => {
  const other = { ...web, name: "other", hostnames: ["b.test"], clientAuth: { ca: true } };
  const all = lines([web, other]);
  expect(all.filter((line) => line.startsWith("ssl_session_cache"))).toEqual(Array(4).fill("ssl_session_cache off"));
  expect(all).toContain("ssl_client_certificate /etc/nginx/tls-gateway/current/roots/other-clients.pem");
});

test("upstreams that are verified differently share no session", () => {
  const at = (name: string, more: object) => ({
    ...{ ...web, name, hostnames: [`${name}.test`] },
    upstream: { ...secure, ...more },
  });
  const names = (...sites: readonly object[]) =>
    new Set(lines(sites).filter((line) => line.startsWith("proxy_pass https://"))).size;
  expect(names(at("a", { rootCa: true }), at("b", { rootCa: true }))).toBe(2);
  expect(names(at("a", {}), at("b", { serverName: "b.internal" }))).toBe(2);
  expect(names(at("a", {}), at("b", {}))).toBe(1);
});

test.each<[string, readonly object[], readonly string[]]>([
  ["set", [header("request", "set", "X-A", 'a "b" \\ $c')], [`proxy_set_header X-A a "b" \\ $\{tls_gateway_dollar}c`]],
  ["remove", [header("request", "remove", "X-A")], ["proxy_set_header X-A "]],
  [
    "nothing in the end",
    [header("response", "append", "X-A", "1"), header("response", "remove", "X-A")],
    ["proxy_hide_header X-A"],
  ],
  ["append to an answer", [header("response", "append", "X-A", "1")], ["add_header X-A 1 always"]],
  [
    "set, then append",
    [header("request", "set", "X-A", "1"), header("request", "append", "x-a", "2")],
    ["proxy_set_header X-A 1, 2"],
  ],
  [
    "what the gateway says itself",
    [header("request", "set", "X-Forwarded-For", "1")],
    ["proxy_set_header X-Forwarded-For 1"],
  ],
  [
    "what the gateway says itself, with more",
    [header("request", "append", "X-Forwarded-For", "1")],
    ["proxy_set_header X-Forwarded-For $remote_addr, 1"],
  ],
])("headers: %s", (_, headers, expected) => {
  expect(changed({ headers })).toEqual(expected);
});

test("headers that depend on what was sent are variables", () => {
  const replaced = changed({
    headers: [header("request", "replace", "X-A", "1"), header("request", "append", "X-A", "2")],
  });
  expect(replaced.slice(0, 3)).toEqual([
    expect.stringMatching(/^map \$http_x_a \$tls_gateway_[0-9a-f]{24}$/),
    " 2",
    "default 1, 2",
  ]);
  const added = changed({ headers: [header("response", "addIfAbsent", "Content-Type", "text/x")] });
  // nginx's own pages have their own
  expect(added.slice(0, 3)).toEqual([
    expect.stringMatching(/^map \$tls_gateway_answered\$upstream_http_content_type /),
    " ",
    "1 text/x",
  ]);
});

test("the longest path is judged first", () => {
  const routing = [
    { route: "/a", effect: "allow" },
    { route: "/a/b.c", effect: "deny" },
    { route: "*", effect: "deny" },
  ];
  const found = changed({ routing });
  expect(found.slice(1, 3)).toEqual(["~^/a/b[.]c(?:/|$) 1", "~^/a(?:/|$) 0"]);
  expect(found).toContain("if ($tls_gateway_ambiguous)");
  expect(changed({ routing: [{ route: "*", effect: "deny" }] })).toEqual(["return 403"]);
  expect(changed({ routing: [{ route: "*", effect: "allow" }] })).toEqual([]);
});

test("maintenance excepts addresses", () => {
  const found = changed({ maintenance: { except: ["10.0.0.0/8", "2001:db8::1"], retryAfterSeconds: 60 } });
  expect(found.slice(1, 4)).toEqual(["default 60", "10.0.0.0/8 ", "2001:db8::1 "]);
  expect(found).toContainEqual(expect.stringMatching(/^return 503 This site is down/));
  expect(changed({ maintenance: {} })[1]).toBe("add_header Retry-After 300 always");
});

test("Cells gets unbuffered bodies and gRPC", () => {
  const found = changed({ upstream: { ...upstream, kind: "cells" } });
  expect(found).toEqual(expect.arrayContaining(["proxy_request_buffering off", "proxy_buffering off"]));
  expect(found).toEqual(expect.arrayContaining(["grpc_pass grpc://10.0.0.5:8080", "grpc_read_timeout 3600s"]));
});

test.each<[string, object, RegExp]>([
  [
    "a header of the connection",
    { headers: [header("request", "set", "Upgrade", "h2c")] },
    /^headers\[0\]\.name: Upgrade belongs/,
  ],
  [
    "the server's own header",
    { headers: [header("response", "remove", "Server")] },
    /nginx writes Server itself, as "nginx"/,
  ],
  ["a header that can't be seen", { headers: [header("request", "replace", "X_A", "1")] }, /underscore or a dot/],
  [
    "an upstream verified by its address",
    { upstream: { url: "https://10.0.0.5" } },
    /^upstream\.serverName: found none, and the host of url is the address 10\.0\.0\.5: nginx verifies an upstream by names alone/,
  ],
])("refuses %s", (_, more, message) => {
  expect(problems(more)).toEqual([expect.stringMatching(message)]);
});

test("takes what a header without conditions allows, and an https upstream by address under a name", () => {
  const headers = [
    header("request", "set", "X_A", "1"),
    header("response", "append", "X.A", "1"),
    header("request", "set", "Server", "1"),
  ];
  expect(problems({ headers, upstream: { url: "https://10.0.0.5", serverName: "app.internal" } })).toEqual([]);
});

test("the sizes of hash tables are set where they are needed, and left to the server on request", () => {
  const long = { ...web, hostnames: [`${"a".repeat(60)}.${"b".repeat(60)}.test`] };
  expect(lines([long])).toContain("server_names_hash_bucket_size 256");
  expect(lines([long], { hashSizes: false }).join()).not.toContain("_hash_");
  expect(lines([web]).join()).not.toContain("_hash_");
});

test.each<[string, number, { routing?: boolean; hostnames?: string[] }]>([
  ["no size", 1, {}],
  ["those of long names", 1, { hostnames: [`${"a".repeat(60)}.${"b".repeat(60)}.test`] }],
  ["those of many names and of many variables", 600, { routing: true }],
])("notes name the sizes of hash tables that stand in the configuration: %s", (_, count, { routing, ...more }) => {
  const sites = Array.from({ length: count }, (_, index) => ({
    ...web,
    name: `web${index}`,
    hostnames: [`web${index}.test`],
    ...(routing && { routing: [{ route: `/admin${index}`, effect: "deny" as const }] }),
    ...more,
  }));
  const { configuration, notes } = rendered(sites);
  const sizes = [...configuration.matchAll(/^(\w+_hash_\w+_size) /gm)].map(([, name]) => name);
  const told = notes.filter((note) => note.includes("hash tables"));
  expect(told).toEqual(sizes.length === 0 ? [] : [expect.stringContaining(`, so ${sizes.join(", ")} stands`)]);
});

test("notes tell of names that must be found at start, and of the default site on port 80", () => {
  const { notes } = rendered([{ ...web, upstream: secure, redirectToHttps: true }]);
  expect(notes).toEqual([
    expect.stringContaining("remove /etc/nginx/sites-enabled/default"),
    'Site "web": nginx asks for the addresses of app.internal when it starts or reloads, and does not start while there are none.',
  ]);
});

test("a set is judged by a configuration of its own, beside it", () => {
  const [sites, options] = [acceptedSites(web), nginx.parseOptions({})] as const;
  const install = nginx.install?.(sites, options);
  expect(nginx.render(sites, options).texts).toEqual({
    "/etc/nginx/tls-gateway/current/nginx-check.conf": expect.stringContaining('include "nginx.conf";'),
  });
  expect(install?.check).toBe('nginx -t -q -c "$set/check/nginx-check.conf"');
  expect(install?.entries).toEqual([{ path: "/etc/nginx/conf.d/tls-gateway.conf", file: "nginx.conf", how: "link" }]);
  const own = nginx.parseOptions({ checkCommand: "my-check", reloadCommand: "my-reload", configFile: "/srv/gw.conf" });
  expect(nginx.install?.(sites, own)).toMatchObject({ checkInstalled: "my-check", reload: "my-reload" });
  expect(nginx.commands(sites, own).apply).toEqual(["my-check", "my-reload"]);
});

test("answers are buffered, but not by a version that cuts them off when it is reloaded", () => {
  const isBuffered = (version: string) => !rendered([web], { version }).configuration.includes("proxy_buffering off;");
  expect(["1.22", "1.24", "1.26", "1.30"].map(isBuffered)).toEqual([false, false, true, true]);
});
