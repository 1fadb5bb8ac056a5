import { expect, test } from "vitest";
import { apache } from "../../../../provider/src/gateway/apache/apache";
import { apacheDialect } from "../../../../provider/src/gateway/apache/dialect";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { readApacheLines } from "../../../support/parsers/apache-words";

const upstream = { url: "http://10.0.0.5:8080" };
const secure = { url: "https://10.0.0.6:8443", serverName: "app.internal" };
const tls = { certificate: { certFile: "/etc/ssl/a b.pem", keyFile: "/etc/ssl/a.key" } };
const web = { name: "web", binds: [":443"], hostnames: ["a.test"], tls, upstream };

function rendered(inputs: readonly object[], options: object = {}) {
  const [accepted, parsed] = [acceptedSites(...inputs), apache.parseOptions(options)];
  return { ...apache.render(accepted, parsed), notes: apache.notes(accepted, parsed) };
}

/** Every directive as one line, without quotes, in order. */
function lines(inputs: readonly object[], options: object = {}): readonly string[] {
  return readApacheLines(rendered(inputs, options).configuration).map(({ words }) => words.join(" "));
}

/** The lines that this adds to a site. */
function changed(more: object): readonly string[] {
  const plain = new Set(lines([web]));
  return lines([{ ...web, ...more }]).filter((line) => !plain.has(line));
}

/** Names of the virtual hosts, one line each, in order. */
function hosts(...inputs: readonly object[]): readonly string[] {
  const found: string[] = [];
  for (const line of lines(inputs)) {
    if (line.startsWith("<VirtualHost ")) found.push("");
    else if (/^Server(Name|Alias) /.test(line)) found.push(`${found.pop() ?? ""} ${line.replace(/^\w+ /, "")}`.trim());
  }
  return found;
}

function problems(inputs: readonly object[], options: object = {}): readonly string[] {
  return apache
    .checkSites(acceptedSites(...inputs), apache.parseOptions(options))
    .map(({ site, property, reason }) => `${site} ${property}: ${reason}`);
}

const header = (on: string, action: string, name: string, value?: string) => ({ on, action, name, value });

test("a site is a virtual host, after one that refuses the names that no site has", () => {
  const text = rendered([{ ...web, hsts: { maxAgeSeconds: 300 } }]).configuration;
  expect(text.slice(text.indexOf("Listen"))).toBe(`Listen 443
<VirtualHost *:443>
  ServerName tls-gateway.invalid
  UseCanonicalName Off
  ServerSignature Off
  TraceEnable Off
  AllowEncodedSlashes NoDecode
  MergeSlashes Off
  RewriteEngine On
  RewriteCond %{REQUEST_METHOD} "^(?:TRACE|CONNECT)\\z"
  RewriteRule ^ - [R=405,L]
  <Location "/">
    Require all granted
  </Location>
  SSLEngine on
  SSLCertificateFile "/etc/ssl/a b.pem"
  SSLCertificateKeyFile "/etc/ssl/a.key"
  SSLProtocol -all +TLSv1.2
  SSLCipherSuite PSK-AES256-GCM-SHA384
  SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519:prime256v1:secp384r1
  SSLSessionTickets off
  RewriteRule ^ - [R=421,L]
</VirtualHost>
<VirtualHost *:443>
  # site web
  ServerName a.test
  UseCanonicalName Off
  ServerSignature Off
  TraceEnable Off
  AllowEncodedSlashes NoDecode
  MergeSlashes Off
  RewriteEngine On
  RewriteCond %{REQUEST_METHOD} "^(?:TRACE|CONNECT)\\z"
  RewriteRule ^ - [R=405,L]
  <Location "/">
    Require all granted
  </Location>
  SSLEngine on
  SSLCertificateFile "/etc/ssl/a b.pem"
  SSLCertificateKeyFile "/etc/ssl/a.key"
  SSLProtocol -all +TLSv1.2 +TLSv1.3
  SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
  SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256
  SSLOpenSSLConfCmd Groups X25519MLKEM768:X25519:prime256v1:secp384r1
  SSLHonorCipherOrder off
  SSLSessionTickets off
  SSLUseStapling off
  Protocols h2 http/1.1
  RewriteCond "%{SSL:SSL_TLS_SNI}|%{SERVER_NAME}" "!^([^|]+)\\|\\1\\z" [NC]
  RewriteRule ^ - [R=421,L]
  RewriteRule ^ - [E=tls_gateway_site:1]
  LimitRequestBody 0
  RequestHeader set Connection close "expr=%{req:Connection} !~ /^(?:close|keep-alive|upgrade|te|http2-settings|[ ,])*$/i"
  RequestHeader set X-Forwarded-For "expr=%{REMOTE_ADDR}"
  RequestHeader set X-Forwarded-Proto "https"
  RequestHeader set X-Forwarded-Host "expr=%{req:Host}"
  Header onsuccess unset Strict-Transport-Security
  Header always set Strict-Transport-Security "max-age=300"
  ProxyPreserveHost On
  ProxyAddHeaders Off
  ErrorDocument 502 "The server behind this one does not answer as it should."
  <Proxy "ws://10.0.0.5:8080">
    ProxySet connectiontimeout=10 timeout=3600 retry=0 ttl=4
  </Proxy>
  RewriteCond %{HTTP:Upgrade} "^websocket\\z" [NC,NV]
  RewriteCond %{THE_REQUEST} "^[^ ]+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*)?(/[^? ]*)"
  RewriteRule ^ "ws://10.0.0.5:8080%1" [P,NE,L]
  ProxyPass "/" "http://10.0.0.5:8080/" nocanon connectiontimeout=10 timeout=60 retry=0 ttl=4
</VirtualHost>
`);
});

test("what clients say of themselves is taken away in the virtual hosts of sites, and in no other of the server", () => {
  const text = rendered([web]).configuration;
  const removals = text.slice(0, text.indexOf("<VirtualHost")).match(/^RequestHeader .*$/gm) ?? [];
  expect(removals).toContain("RequestHeader unset X-Real-IP env=tls_gateway_site");
  expect(removals).toContain("RequestHeader unset X_Forwarded-For env=tls_gateway_site");
  expect(removals.every((line) => line.endsWith(" env=tls_gateway_site"))).toBe(true);
  expect(new Set(removals).size).toBe(removals.length);
});

test("the order of sites never shows", () => {
  const sites = [web, { ...web, name: "api", hostnames: ["b.test", "*.b.test"], upstream: secure }];
  expect(rendered(sites)).toEqual(rendered([...sites].reverse()));
});

test("exact names stand before wildcards, long wildcards before short, each after what has more labels", () => {
  const wild = { ...web, name: "wild", hostnames: ["*.a.test", "x.b.test"] };
  expect(hosts(wild, { ...web, hostnames: ["y.a.test", "*.z.a.test"] })).toEqual([
    "tls-gateway.invalid",
    "y.a.test",
    "x.b.test",
    "tls-gateway.invalid *.*.z.a.test",
    "tls-gateway.invalid *.z.a.test",
    "tls-gateway.invalid *.*.a.test",
    "tls-gateway.invalid *.a.test",
  ]);
});

test("a site without names is the first virtual host, and has the names with more labels than a wildcard", () => {
  const { hostnames: _, ...nameless } = web;
  const found = lines([nameless, { ...web, name: "wild", hostnames: ["*.a.test"] }]).filter((line) =>
    /^(# site|Server(Name|Alias)|RewriteRule \^ - \[R=421)/.test(line),
  );
  expect(found).toEqual([
    "ServerName tls-gateway.invalid",
    "ServerName tls-gateway.invalid",
    "ServerAlias *.*.a.test",
    "ServerName tls-gateway.invalid",
    "ServerAlias *.a.test",
    // an empty label, and a host that is not the handshake's
    "RewriteRule ^ - [R=421,L]",
    "RewriteRule ^ - [R=421,L]",
  ]);
});

test("all addresses are one Listen, as two of a family would end a running server", () => {
  const listen = (binds: readonly string[], options: object = {}) =>
    lines([{ ...web, binds }], options).filter((line) => line.startsWith("Listen "));
  expect(listen([":443"])).toEqual(["Listen 443"]);
  expect(listen([":443"], { ipv6: false })).toEqual(["Listen 0.0.0.0:443"]);
  expect(listen(["[::]:443"])).toEqual(["Listen [::]:443"]);
  expect(listen(["10.0.0.1:443", "[2001:db8::1]:443"])).toEqual(["Listen 10.0.0.1:443", "Listen [2001:db8::1]:443"]);
  expect(listen([":443"], { listen: false })).toEqual([]);
});

test("modules are loaded unless the server has them, and those alone that the sites need", () => {
  const modules = (...inputs: readonly object[]) =>
    lines(inputs, { modulesDirectory: "/m" }).filter((line) => line.startsWith("LoadModule "));
  const plain = { ...web, binds: [":80"], tls: "disabled" };
  const usual = ["authz_core", "headers", "rewrite", "proxy", "proxy_http"];
  const loaded = (names: readonly string[]) => names.map((name) => `LoadModule ${name}_module /m/mod_${name}.so`);
  expect(modules(plain)).toEqual(loaded(usual));
  expect(modules(web)).toEqual(loaded([...usual, "http2", "socache_shmcb", "ssl"]));
  expect(
    modules({ ...plain, upstream: { url: "h2c://10.0.0.5:80" }, proxyProtocol: { trusted: ["10.0.0.1"] } }),
  ).toEqual(loaded([...usual, "proxy_http2", "remoteip"]));
  expect(lines([web])).toContain("<IfModule !headers_module");
});

test("plain HTTP is sent on to https with the path as it was sent", () => {
  const found = changed({ binds: [":8443"], redirectToHttps: true });
  expect(found).toContain("<VirtualHost *:80");
  expect(found).toContain("RewriteRule ^ https://%{SERVER_NAME}:8443%1 [R=308,NE,L]");
  expect(changed({ redirectToHttps: true })).toContain("RewriteRule ^ https://%{SERVER_NAME}%1 [R=308,NE,L]");
});

test("clients without a certificate are refused, whatever the handshake said", () => {
  const found = changed({ clientAuth: { caFile: "/ca.pem" } });
  expect(found).toEqual([
    "SSLCACertificateFile /ca.pem",
    "SSLVerifyClient require",
    "SSLVerifyDepth 9",
    "RewriteCond %{SSL:SSL_CLIENT_VERIFY} !=SUCCESS",
    "RewriteRule ^ - [F,L]",
  ]);
});

test("a range of all addresses is two halves, since Apache takes no netmask of no bits", () => {
  const found = changed({ maintenance: { except: ["0.0.0.0/0", "::/0"] } });
  expect(found.filter((line) => line.startsWith("RewriteCond expr"))).toEqual(
    ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"].map(
      (range) => `RewriteCond expr ! ( %{REMOTE_ADDR} -ipmatch '${range}' )`,
    ),
  );
});

test("maintenance, routing and the largest body are judged in this order", () => {
  const found = changed({
    maintenance: { except: ["10.0.0.0/8", "::1"], retryAfterSeconds: 60 },
    routing: [
      { route: "/a", effect: "allow" },
      { route: "/a/b.c", effect: "deny" },
      { route: "/a/b.c/d", effect: "allow" },
    ],
    maxBodyBytes: 1000,
  });
  expect(found.filter((line) => line.startsWith("Rewrite"))).toEqual([
    "RewriteCond expr ! ( %{REMOTE_ADDR} -ipmatch '10.0.0.0/8' )",
    "RewriteCond expr ! ( %{REMOTE_ADDR} -ipmatch '::1' )",
    "RewriteRule ^ - [E=tls_gateway_maintenance:1,R=503,L]",
    "RewriteCond %{THE_REQUEST} !^[^ ]+ / [OR]",
    "RewriteCond %{THE_REQUEST} ^[^ ]+ [^? ]*(?://|/\\.\\.?(?:[/? ]|$)|\\\\|;|%(?:2[ef]|5c|00|3b)) [NC]",
    "RewriteRule ^ - [R=400,L]",
    "RewriteRule ^/a/b\\.c/d(?:/|\\z) - [S=3]",
    "RewriteRule ^/a/b\\.c(?:/|\\z) - [F,L]",
    "RewriteRule ^/a(?:/|\\z) - [S=1]",
    "RewriteRule ^ - [F,L]",
    "RewriteCond expr %{req:Content-Length} -gt 1000 [NV]",
    "RewriteRule ^ - [R=413,L]",
  ]);
  expect(found).toContain("Header always set Retry-After 60 env=tls_gateway_maintenance");
});

test("all paths that are allowed, or denied, need no rules on paths", () => {
  expect(changed({ routing: [{ route: "*", effect: "allow" }] })).toEqual([]);
  expect(changed({ routing: [{ route: "*", effect: "deny" }] })).toEqual(["RewriteRule ^ - [F,L]"]);
});

test("each change of a header is one line, with conditions of ours alone", () => {
  const headers = [
    header("request", "append", "X-A", "1"),
    header("request", "addIfAbsent", "X-B", "2"),
    header("response", "set", "X-C", "3"),
    header("response", "replace", "X-D", "4"),
    header("response", "remove", "X-E"),
  ];
  expect(changed({ headers })).toEqual([
    "RequestHeader add X-A 1",
    "RequestHeader set X-B 2 expr=-z %{req:X-B}",
    "Header onsuccess set X-C 3",
    "Header onsuccess set X-D 4 expr=-n %{resp:X-D}",
    "Header onsuccess unset X-E",
  ]);
});

test("values of headers are neither formats nor expressions", () => {
  const value = (text: string) => changed({ headers: [header("response", "set", "X-A", text)] })[0];
  expect(value('100% "\\n"')).toBe('Header onsuccess set X-A 100%% "\\\\n"');
  expect(value("expr=$1 'a' %")).toBe("Header onsuccess set X-A expr=expr=\\$1 \\'a\\' \\%");
  expect(() => apacheDialect.quote(`\${HOME}`)).toThrow(/variable/);
});

test("an https upstream is reached by way of Apache itself, under the upstream's name", () => {
  const found = lines([{ ...web, upstream: secure }]);
  const [place = ""] = found.filter((line) => line.startsWith("Listen 127."));
  const address = place.replace("Listen ", "");
  expect(address).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+:8474$/);
  expect(found).toContain("RequestHeader set Host app.internal");
  expect(found).toContain(
    `ProxyPass / http://${address}/ nocanon connectiontimeout=10 timeout=75 retry=0 disablereuse=on max=12 acquire=2000`,
  );
  const inner = found.slice(found.indexOf(`<VirtualHost ${address}`));
  expect(inner).toContain("ServerName app.internal");
  expect(inner).toContain("SSLProxyCACertificateFile /etc/ssl/certs/ca-certificates.crt");
  expect(inner).toContain("SSLProxyVerify require");
  expect(inner).toContain("SSLProxyCheckPeerName on");
  expect(inner).toContain("RequestHeader set Host expr=%{req:X-Tls-Gateway-Host}");
  expect(inner).toContain("ProxyPass / https://10.0.0.6:8443/ nocanon connectiontimeout=10 timeout=60 retry=0 ttl=4");
});

test("the address of an upstream's inner host is its own, whatever other sites there are", () => {
  const places = (...inputs: readonly object[]) => lines(inputs).filter((line) => line.startsWith("Listen 127."));
  const site = (name: string, more: object) => ({
    ...web,
    name,
    hostnames: [`${name}.test`],
    upstream: { ...secure, ...more },
  });
  const [alone = ""] = places(site("a", {}));
  expect(places(site("a", {}), site("b", {}))).toEqual([alone]);
  const all = places(site("a", {}), site("b", { serverName: "other.internal" }), site("c", { rootCaFile: "/r.pem" }));
  expect(all).toContain(alone);
  expect(new Set(all).size).toBe(3);
});

test.each<[string, object, RegExp]>([
  [
    "an upstream's address to be verified",
    { upstream: { url: "https://10.0.0.6" } },
    /^web upstream\.serverName: .*10\.0\.0\.6.*DNS name/,
  ],
  [
    "a header of the connection",
    { headers: [header("request", "set", "Transfer-Encoding", "x")] },
    /^web headers\[0\]\.name/,
  ],
  ["no Server", { headers: [header("response", "remove", "server")] }, /^web headers\[0\]\.name: .*"set"/],
  [
    "a second Host",
    { headers: [header("request", "append", "Host", "x")] },
    /^web headers\[0\]\.action: found "append" of Host/,
  ],
  ["an added Content-Type", { headers: [header("response", "append", "Content-Type", "x")] }, /Content-Type/],
  ["the port of inner hosts", { binds: [":8474"], upstream: secure }, /^web binds: .*options\.innerPort/],
])("%s is refused", (_, more, expected) => {
  expect(problems([{ ...web, ...more }])).toContainEqual(expect.stringMatching(expected));
});

test("what Apache does not tell apart is refused", () => {
  const other = { ...web, name: "other", hostnames: ["b.test"] };
  expect(problems([web, { ...other, binds: ["[::]:443"] }])).toEqual([
    expect.stringMatching(/^other binds: .*\[::\]:443 alone/),
  ]);
  expect(
    problems([
      { ...web, binds: ["10.0.0.1:443"] },
      { ...other, binds: ["[::]:443"] },
    ]),
  ).toEqual([expect.stringMatching(/^web binds: 10\.0\.0\.1:443 and \[::\]:443 are one port for Apache/)]);
  const { hostnames: _, ...nameless } = web;
  const clients = (caFile: string) => ({ clientAuth: { caFile } });
  expect(
    problems([
      { ...nameless, ...clients("/a.pem") },
      { ...other, ...clients("/b.pem") },
    ]),
  ).toEqual([expect.stringMatching(/^web clientAuth: .*"other"/)]);
  expect(
    problems([
      { ...nameless, ...clients("/a.pem") },
      { ...other, ...clients("/a.pem") },
    ]),
  ).toEqual([]);
});

test("notes tell what surprises, by site", () => {
  const notes = rendered([{ ...web, maxBodyBytes: 1, upstream: secure, redirectToHttps: true }]).notes.join("\n");
  expect(notes).toContain("Listen 80 and Listen 443");
  expect(notes).toContain("127.64.0.0/10");
  expect(notes).toContain("Content-Length alone");
  expect(rendered([{ ...web, binds: [":8443"] }]).notes).toEqual([expect.stringContaining("502")]);
});

test("a set is judged by a start of its own, and the server by its Listen lines", () => {
  const install = apache.install?.(acceptedSites(web), apache.parseOptions({ directory: "/d", pidFile: "/p.pid" }));
  expect(install).toMatchObject({
    directory: "/d",
    configurationFile: "apache.conf",
    entries: [{ path: "/etc/apache2/conf-enabled/tls-gateway.conf", file: "apache.conf", how: "link" }],
  });
  expect(install?.check).toContain("-k start");
  expect(install?.checkInstalled).toContain("apache2ctl configtest");
  expect(install?.reload).toContain("/p.pid");
  expect(install?.probes.map(({ address, serverName }) => `${address} ${serverName}`)).toEqual([
    "127.0.0.1 a.test",
    "::1 a.test",
  ]);
  const own = apache.install?.(
    acceptedSites(web),
    apache.parseOptions({ checkCommand: "check", reloadCommand: "reload" }),
  );
  expect([own?.checkInstalled, own?.reload]).toEqual(["check", "reload"]);
});
