import { expect, test } from "vitest";
import { haproxy } from "../../../../provider/src/gateway/haproxy/haproxy";
import { acceptedSites } from "../../../support/gateway/cells-sites";

const upstream = { url: "http://10.0.0.5:8080" };
const own = { tls: { selfSigned: { ca: "ca" } }, binds: ["0.0.0.0:443"], upstream };
const current = "/etc/haproxy/tls-gateway/current";

/** A site "a" for a.test on port 443 with what matters. */
function site(more: object = {}): object {
  return { name: "a", hostnames: ["a.test"], ...own, ...more };
}

function render(sites: readonly object[], options: object = {}) {
  const [accepted, parsed] = [acceptedSites(...sites), haproxy.parseOptions(options)];
  return { ...haproxy.render(accepted, parsed), notes: haproxy.notes(accepted, parsed) };
}

/** The lines of a section, without indent. */
function section(start: string, sites: readonly object[], options: object = {}): readonly string[] {
  const sections = render(sites, options).configuration.split("\n\n");
  const found = sections.find((text) => text.startsWith(`${start}\n`)) ?? "";
  return found.trimEnd().split("\n  ").slice(1);
}

function backend(more: object, options: object = {}): readonly string[] {
  return section("backend site_a", [site(more)], options).filter((line) => !/^timeout (connect|server)/.test(line));
}

function problems(sites: readonly object[], options: object = {}): readonly string[] {
  const found = haproxy.checkSites(acceptedSites(...sites), haproxy.parseOptions(options));
  return found.map(({ site: name, property, reason }) => `${name} ${property}: ${reason}`);
}

test("a port is one section for IPv4 and IPv6, with a map of hosts and a list of certificates", () => {
  const sites = [site(), site({ name: "w", hostnames: ["*.w.test"] })];
  const { texts } = render(sites);
  expect(texts).toEqual({
    [`${current}/hosts-443.map`]: "a.test site_a\n*.w.test site_w\n",
    [`${current}/certificates-443.txt`]: `${current}/certs/a-leaf.pem a.test\n${current}/certs/w-leaf.pem *.w.test\n`,
  });
  const [bind, ...rules] = section("frontend https-443", sites);
  expect(bind).toMatch(
    /^bind 0\.0\.0\.0:443,\[::\]:443 v6only ssl crt-list \S+ strict-sni alpn h2,http\/1\.1 ssl-min-ver TLSv1\.2 /,
  );
  expect(bind).toMatch(/ curves X25519MLKEM768:X25519:prime256v1:secp384r1 prefer-client-ciphers no-tls-tickets$/);
  expect(rules).toEqual([
    "timeout client 60s",
    "http-request deny deny_status 405 if { method TRACE CONNECT }",
    "http-request deny deny_status 400 if !{ req.fhdr(host) -m reg '^(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$' }",
    "http-request deny deny_status 400 if { req.fhdr_cnt(host) gt 1 }",
    "http-request deny deny_status 400 if { url -m reg '^[^/?]+://' } !{ url,field(3,/) -m reg '^(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$' }",
    "http-request del-header upgrade if !{ req.fhdr(upgrade) -m str -i websocket } or { req.fhdr_cnt(upgrade) gt 1 }",
    expect.stringMatching(/^http-request del-header '\^\(forwarded\|.*\|x-real-ip\|.*\)\$' -m reg$/),
    "http-request set-var(txn.host) 'req.fhdr(host),host_only,lower'",
    `http-request set-var(txn.site) 'var(txn.host),map_str(${current}/hosts-443.map)'`,
    `http-request set-var(txn.site) 'var(txn.host),regsub(^[^.]+,*),map_str(${current}/hosts-443.map)' if !{ var(txn.site) -m found }`,
    "http-request deny deny_status 421 if !{ var(txn.site) -m found }",
    "http-request deny deny_status 421 if !{ 'ssl_fc_sni,lower,strcmp(txn.host)' eq 0 }",
    "use_backend '%[var(txn.site)]'",
  ]);
});

test("a plain port tells redirects and sites by one map, with IPv6 hosts in brackets", () => {
  const plain = { name: "p", tls: "disabled", binds: ["0.0.0.0:80"], hostnames: ["p.test", "2001:db8::1"], upstream };
  const sites = [
    site({ redirectToHttps: true }),
    site({ name: "b", hostnames: ["b.test"], binds: ["0.0.0.0:8443"], redirectToHttps: true }),
    plain,
  ];
  expect(render(sites).texts?.[`${current}/hosts-80.map`]).toBe(
    "[2001:db8::1] site_p\np.test site_p\na.test https:443\nb.test https:8443\n",
  );
  expect(section("frontend http-80", sites).filter((line) => line.includes("redirect"))).toEqual([
    "http-request redirect location 'https://%[var(txn.host)]%[pathq]' code 308 if { var(txn.site) -m beg https: } { var(txn.site) -m str https:443 }",
    "http-request redirect location 'https://%[var(txn.host)]:%[var(txn.site),field(2,:)]%[pathq]' code 308 if { var(txn.site) -m beg https: }",
  ]);
});

test("a site without names comes first in the list, and is no way around a name", () => {
  const sites = [site(), { ...own, name: "z", clientAuth: { caFile: "/ca.pem" } }];
  expect(render(sites).texts?.[`${current}/certificates-443.txt`]).toBe(
    `${current}/certs/z-leaf.pem [ca-file /ca.pem verify required] *\n${current}/certs/a-leaf.pem a.test\n`,
  );
  const lines = section("frontend https-443", sites);
  expect(lines[0]).not.toContain("strict-sni");
  expect(lines).toContain(
    `http-request deny deny_status 421 if !{ var(txn.site) -m found } { 'ssl_fc_sni,lower,map_str(${current}/hosts-443.map)' -m found }`,
  );
  expect(lines).toContain("http-request set-var(txn.site) 'str(site_z)' if !{ var(txn.site) -m found }");
});

test("sessions are not resumed when sites have different authorities of clients", () => {
  const mtls = (name: string, caFile: string) => site({ name, hostnames: [`${name}.test`], clientAuth: { caFile } });
  expect(section("global", [mtls("a", "/1.pem"), mtls("b", "/1.pem")])).not.toContain("tune.ssl.cachesize 0");
  expect(section("global", [mtls("a", "/1.pem"), mtls("b", "/2.pem")])).toContain("tune.ssl.cachesize 0");
  expect(render([mtls("a", "/1.pem"), mtls("b", "/2.pem")]).notes).toEqual([
    expect.stringMatching(/^Site "a" and 1 more: clients have different authorities/),
  ]);
});

test("a request is judged in one order: client, path, maintenance, routing, body", () => {
  const lines = backend({
    clientAuth: { caFile: "/ca.pem" },
    maintenance: { except: ["10.0.0.0/8", "2001:db8::1"], retryAfterSeconds: 9 },
    routing: [
      { route: "/p/q", effect: "deny" },
      { route: "/p", effect: "allow" },
    ],
    maxBodyBytes: 1000,
  });
  expect(
    lines.filter((line) => line.startsWith("http-request")).map((line) => line.split(" ").slice(1, 4).join(" ")),
  ).toEqual([
    "deny deny_status 403",
    "deny deny_status 403",
    "deny deny_status 400",
    "set-var(txn.path) path,url_dec",
    "deny deny_status 400",
    "return status 503",
    "set-var(txn.route) str(deny)",
    "set-var(txn.route) str(allow) if",
    "set-var(txn.route) str(deny) if",
    "deny deny_status 403",
    "wait-for-body time 60s",
    "deny deny_status 413",
    "set-header X-Forwarded-For '%[src]'",
    "set-header X-Forwarded-Proto https",
    "set-header X-Forwarded-Host '%[req.fhdr(host)]'",
  ]);
  expect(lines).toContain("acl excepted src 10.0.0.0/8 2001:db8::1");
});

test("a site in maintenance for everybody has no rules after its answer", () => {
  const lines = backend({ maintenance: true, hsts: true, headers: [{ on: "request", action: "remove", name: "X" }] });
  expect(lines.slice(1)).toEqual([
    "http-request return status 503 content-type text/plain string 'This site is being maintained. Please come back in a few minutes.' hdr Retry-After 300",
    "http-after-response set-header Strict-Transport-Security 'max-age=63072000'",
    "server upstream 10.0.0.5:8080 init-addr libc,none",
  ]);
});

test("changes of headers stand in their order, each value as it is", () => {
  const change = (action: string, value?: string, on = "request") => ({ on, action, name: "X-A", value });
  const headers = [
    change("append", "100%"),
    change("addIfAbsent", `it's "x" \\ $HOME #`),
    change("replace", "two  spaces", "response"),
    change("remove"),
  ];
  expect(backend({ headers }).filter((line) => line.includes("X-A"))).toEqual([
    "http-request add-header X-A '100%%'",
    `http-request set-header X-A 'it'\\''s "x" \\ $HOME #' if { req.fhdr_cnt(X-A) eq 0 }`,
    "http-after-response set-header X-A 'two  spaces' if { res.fhdr_cnt(X-A) gt 0 }",
    "http-request del-header X-A",
  ]);
});

test.each<[string, object, readonly string[]]>([
  ["http", { url: "http://10.0.0.5:8080" }, ["server upstream 10.0.0.5:8080 init-addr libc,none"]],
  ["IPv6", { url: "http://[2001:db8::5]:1" }, ["server upstream [2001:db8::5]:1 init-addr libc,none"]],
  ["h2c", { url: "h2c://app.test:1", grpc: true }, ["server upstream app.test:1 init-addr libc,none proto h2"]],
  [
    "https by the system's roots",
    { url: "https://app.test:1" },
    [
      "server upstream app.test:1 init-addr libc,none ssl verify required ca-file '/etc/ssl/certs/ca-certificates.crt' verifyhost app.test sni 'str(app.test)' alpn http/1.1",
    ],
  ],
  [
    "gRPC",
    { url: "http://app.test:1", grpc: true },
    [
      "use-server grpc if { req.hdr(content-type) -m beg -i application/grpc }",
      "use-server upstream unless { req.hdr(content-type) -m beg -i application/grpc }",
      "server upstream app.test:1 init-addr libc,none",
      "server grpc app.test:1 init-addr libc,none proto h2",
    ],
  ],
])("an upstream over %s", (_what, given, expected) => {
  expect(backend({ upstream: given }).filter((line) => /^(server|use-server) /.test(line))).toEqual(expected);
});

test("a body without a length is read where that fits into a buffer, else a note tells", () => {
  expect(backend({ maxBodyBytes: 2000 }).some((line) => line.includes("wait-for-body time 60s at-least 2001"))).toBe(
    true,
  );
  expect(backend({ maxBodyBytes: 1_000_000 }).some((line) => line.includes("wait-for-body"))).toBe(false);
  expect(render([site({ maxBodyBytes: 2000 })]).notes).toEqual([]);
  expect(render([site({ maxBodyBytes: 1_000_000 })]).notes).toEqual([
    expect.stringContaining("by Content-Length alone"),
  ]);
});

test("before 3.0 a body that is too large is answered after a moment, since the connection closes at once", () => {
  const lines = backend({ maxBodyBytes: 2000 }, { version: "2.8" });
  expect(lines).toContain("timeout tarpit 500ms");
  expect(lines.at(-5)).toMatch(/^http-request tarpit deny_status 413 if /);
});

test("names of sections are injective, and hold any name of a site", () => {
  const names = ["a b", "a:20:b", "ä/ö", "site", "A"];
  const sites = names.map((name, index) => site({ name, hostnames: [`n${index}.test`] }));
  const found = render(sites).configuration.match(/^backend .*$/gm) ?? [];
  expect(new Set(found).size).toBe(names.length);
  expect(found).toContain("backend site_a:20:b");
  expect(found.every((line) => /^backend [\w.:-]+$/.test(line))).toBe(true);
});

test("the order of sites never shows", () => {
  const sites = ["c", "a", "b"].map((name) => site({ name, hostnames: [`${name}.test`], redirectToHttps: true }));
  expect(render([...sites].reverse())).toEqual(render(sites));
});

test("a key beside its certificate is told to HAProxy 3, and refused before unless HAProxy finds it", () => {
  const files = (keyFile: string) => site({ tls: { certificate: { certFile: "/tls/a.pem", keyFile } } });
  const list = (version: string, keyFile: string) =>
    render([files(keyFile)], { version }).texts?.[`${current}/certificates-443.txt`];
  expect(list("3.0", "/tls/a.key")).toBe("/tls/a.pem [key /tls/a.key] a.test\n");
  expect(list("2.6", "/tls/a.pem.key")).toBe("/tls/a.pem a.test\n");
  expect(problems([files("/tls/a.key")])).toEqual([]);
  expect(problems([files("/tls/a.pem.key")], { version: "2.6" })).toEqual([]);
  expect(problems([files("/tls/a.key")], { version: "2.8" })).toEqual([
    'a tls.certificate.keyFile: found "/tls/a.key": HAProxy 2.8 finds a key only in the certificate\'s own file or in "/tls/a.pem.key": put it there, or give options.version "3.0" if the server has it',
  ]);
});

test.each<[string, object, RegExp]>([
  ["spaces in a list", { clientAuth: { caFile: "/a b.pem" } }, /^a clientAuth.caFile: found "\/a b.pem": .* no quotes/],
  [
    "brackets in a list",
    { tls: { certificate: { certFile: "/a[1].pem", keyFile: "/a[1].pem" } } },
    /^a tls.certificate.certFile: .*square brackets/,
  ],
  [
    "a path of Windows",
    { upstream: { url: "https://app.test:1", rootCaFile: "C:\\root.pem" } },
    /^a upstream.rootCaFile: .*begins with a slash/,
  ],
  ["an address to verify", { upstream: { url: "https://10.0.0.5:1" } }, /^a upstream.serverName: .*by names alone/],
  ["a long wait", { timeouts: { tunnelSeconds: 3_000_000 } }, /^a timeouts.tunnelSeconds: found 3000000: .* 24 days/],
  [
    "framing",
    { headers: [{ on: "response", action: "set", name: "content-length", value: "1" }] },
    /^a headers\[0\].name: found content-length/,
  ],
  [
    "long headers",
    { headers: ["a", "b"].map((name) => ({ on: "request", action: "set", name, value: "x".repeat(5000) })) },
    /^a headers: found 10002 octets of request headers/,
  ],
])("refuses %s", (_what, more, message) => {
  expect(problems([site(more)])).toEqual([expect.stringMatching(message)]);
});

test("HAProxy is reloaded by systemd, else by its master, and started where it does not run", () => {
  const { check, checkInstalled, entries, reload } =
    haproxy.install?.(acceptedSites(site()), haproxy.parseOptions({ pidFile: "/run/h.pid" })) ?? {};
  expect(check).toBe('haproxy -c -q -f "$set/check/haproxy.cfg"');
  expect(checkInstalled).toBe("haproxy -c -q -f /etc/haproxy/haproxy.cfg");
  expect(entries).toEqual([{ path: "/etc/haproxy/haproxy.cfg", file: "haproxy.cfg", how: "link" }]);
  expect(reload?.match(/; then (?!still)\S+ \S+|^ +else .*/gm)?.map((text) => text.trim())).toEqual([
    "; then systemctl reload-or-restart",
    "; then kill -USR2",
    "; then haproxy -W",
    '; then echo "haproxy',
    "else haproxy -W -D -f /etc/haproxy/haproxy.cfg -p /run/h.pid; fi || exit 1",
  ]);
  const own = haproxy.parseOptions({ checkCommand: "my-check", reloadCommand: "my-reload" });
  expect(haproxy.install?.(acceptedSites(site()), own)).toMatchObject({
    checkInstalled: "my-check",
    reload: "my-reload",
  });
  expect(haproxy.commands(acceptedSites(site()), own).apply).toEqual(["my-check", "my-reload"]);
});

test.each<[object, RegExp]>([
  [{ chroot: "relative" }, /options.chroot: found "relative", expected an absolute path/],
  [{ maxConnections: 1 }, /options.maxConnections: found 1, expected a number from 10/],
  [{ version: "1.8" }, /options.version: found "1.8", expected "3.0"/],
])("refuses the options %j", (options, message) => {
  expect(() => haproxy.parseOptions(options)).toThrow(message);
});

test("without root there is no chroot", () => {
  expect(section("global", [site()])).toContain("chroot /var/lib/haproxy");
  expect(section("global", [site()], { chroot: false }).some((line) => line.startsWith("chroot"))).toBe(false);
});
