import { describe, expect, it } from "vitest";
import { type GatewayKindName, gatewayKinds } from "../../../provider/src/gateway/kinds";
import {
  findResponderKind,
  type ResponderInput,
  type ResponderKindName,
  renderResponder,
  responderKinds,
} from "../../../provider/src/gateway/responders";

const [one, two] = [`${"A".repeat(42)}E`, `${"b-_".repeat(14)}8`];
const kinds = Object.keys(responderKinds) as readonly ResponderKindName[];

function render(kind: ResponderKindName, input: Partial<ResponderInput> = {}, options: object = {}) {
  return renderResponder(kind, { accounts: [{ thumbprint: one }], ...input }, options);
}

/** Parts of messages that say it. */
function refusal(input: object, options: object = {}): string {
  try {
    renderResponder("nginx", { accounts: [{ thumbprint: one }], ...input } as ResponderInput, options);
    return "accepted";
  } catch (error) {
    return String(error);
  }
}

describe("the input of a responder", () => {
  it.each([
    [{ accounts: [] }, "accounts: found object, expected a list of at least one account"],
    [
      { accounts: [{ thumbprint: "abc" }] },
      'accounts[0].thumbprint: found "abc", expected the 43 characters of account',
    ],
    [{ accounts: [{ thumbprint: `${one}=` }] }, "accounts[0].thumbprint: found"],
    [{ accounts: [{ thumbprint: `${"A".repeat(42)}B` }] }, "accounts[0].thumbprint: found"],
    [{ accounts: [{ thumbprint: `${"A".repeat(42)}\n` }] }, "accounts[0].thumbprint: found"],
    [{ accounts: [undefined] }, "accounts[0].thumbprint: found undefined"],
    [
      { accounts: [{ thumbprint: one, hostnames: [] }] },
      "accounts[0].hostnames: found object, expected a list of names",
    ],
    [
      { accounts: [{ thumbprint: one, hostnames: ["*.a.test"] }] },
      'accounts[0].hostnames[0]: found "*.a.test": http-01 proves no wildcard',
    ],
    [{ accounts: [{ thumbprint: one, hostnames: ["a.test", "a b"] }] }, "accounts[0].hostnames[1]: "],
    [{ accounts: [{ thumbprint: one, hostnames: ["[::1]"] }] }, "IPv6 address stands without brackets"],
    [{ accounts: [{ thumbprint: one, hostnames: ["a.test:80"] }] }, "accounts[0].hostnames[0]: "],
    [
      { accounts: [{ thumbprint: one }, { thumbprint: two }] },
      "accounts[0] and accounts[1] both answer every other host: neither has hostnames, and a CA's request does not say",
    ],
    [
      {
        accounts: [
          { thumbprint: one, hostnames: ["b.test", "a.test"] },
          { thumbprint: two, hostnames: ["A.test."] },
        ],
      },
      "accounts[0] and accounts[1] both claim a.test, and a CA's request",
    ],
    [{ port: 0 }, "port: found 0, expected a port from 1 to 65535"],
    [{ redirect: "https" }, 'redirect: found "https", expected true, false, or a port'],
    [{ redirect: 80 }, "redirect: found 80, expected another port than 80"],
    [{ addresses: [] }, "addresses: found object, expected a list of addresses"],
    [{ addresses: ["a.test"] }, 'addresses[0]: found "a.test", expected an address'],
    [
      { addresses: ["0.0.0.0", "::", "10.0.0.5"] },
      'addresses[2]: found "10.0.0.5", expected an address beside 0.0.0.0',
    ],
    [{ addresses: ["::1", "0:0::1"] }, 'addresses[1]: found "::1", expected an address beside ::1'],
  ])("%j is refused by its property", (input, message) => {
    expect(refusal(input)).toContain(`GATEWAY_INVALID: `);
    expect(refusal(input)).toContain(message);
  });

  it("takes the options of a gateway of its kind and no others", () => {
    expect(refusal({}, { version: "0.1" })).toContain('options.version: found "0.1"');
    expect(refusal({}, { reloadComand: "x" })).toContain("options.reloadComand is not an option of kind nginx");
  });
});

describe("a kind that has no such rule", () => {
  const others = (Object.keys(gatewayKinds) as readonly GatewayKindName[]).filter((kind) => !(kind in responderKinds));

  it.each(others)("%s is refused with the reason and with what to do in its place", (kind) => {
    expect(() => findResponderKind(kind)).toThrow(
      /^GATEWAY_INVALID: kind: .{20,}, so it can't answer http-01 by its configuration alone Hint: .{40,}\.$/,
    );
  });

  it.each([[42], ["iis"], ["toString"]])("%j is refused with the kinds that there are", (kind) => {
    expect(() => findResponderKind(kind)).toThrow("expected nginx, haproxy, caddy, apache, envoy");
  });
});

describe.each(kinds)("a responder of kind %s", (kind) => {
  const all = { accounts: [{ thumbprint: one, hostnames: ["a.test", "2001:db8::1"] }, { thumbprint: two }] };

  it("holds each thumbprint and each host, and neither certificates nor keys", () => {
    const { configuration, files, installScript } = render(kind, all);
    const text = [configuration, ...Object.values(files)].join("\n");
    for (const part of [one, two]) expect(text).toContain(part);
    // as they are, or as patterns
    expect(text).toMatch(/a\\*\.test/);
    expect(text.replaceAll("\\:", ":")).toContain("2001:db8::1");
    expect(text).not.toMatch(/ssl_certificate|SSLCert|\bcrt\b|BEGIN /);
    expect(installScript).not.toMatch(/PRIVATE KEY-----$|Holds private keys/m);
  });

  it("places its file where the server looks, and the gateway's own where one can't read two", () => {
    const { path, files, installScript, configuration } = render(kind, all);
    const options = gatewayKinds[kind].parseOptions({});
    const gateway = gatewayKinds[kind].install?.([], options as never);
    const isOwn = responderKinds[kind].placement === "beside";
    expect(path === gateway?.entries[0]?.path).toBe(!isOwn);
    expect(files[path]).toBe(configuration);
    expect(installScript.includes(`directory='${gateway?.directory}'`)).toBe(!isOwn);
    // what is read after the gateway's file, by its name
    if (isOwn) expect(path > String(gateway?.entries[0]?.path)).toBe(true);
  });

  it("asks for port 80 from everywhere, and for none where it is the machine's own", () => {
    expect(render(kind).firewallPorts).toMatchObject([{ port: 80, protocol: "tcp" }]);
    expect(render(kind, { addresses: ["127.0.0.1", "::1"] }).firewallPorts).toEqual([]);
    expect(render(kind).notes.join()).not.toContain("80 alone");
    expect(render(kind, { port: 8402 }).notes).toContain(
      "CAs ask on port 80 alone: port 8402 must be what port 80 is forwarded to.",
    );
  });

  it("is the same for the same arguments, and another set for others", () => {
    expect(render(kind, all)).toEqual(render(kind, all));
    const hashes = [{}, all, { redirect: false }, { redirect: 8443 }, { port: 81 }, { addresses: ["10.0.0.5"] }].map(
      (input) => render(kind, input).contentHash,
    );
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

it("nginx takes every name that no other server has", () => {
  const { configuration } = render("nginx");
  expect(configuration.slice(configuration.indexOf("server {"))).toMatch(
    /^server \{\n {2}listen 0\.0\.0\.0:80;\n {2}listen \[::\]:80;\n {2}server_name "" "~\^";\n/,
  );
  expect(configuration).toContain(
    `"~^80 (?:GET|HEAD) /\\\\.well-known/acme-challenge/([A-Za-z0-9_-]{1,128})$" "$1.${one}";`,
  );
  expect(configuration).not.toContain("default_server");
});

it("HAProxy answers before it sends on", () => {
  const lines = render("haproxy", { redirect: 8443 })
    .configuration.split("\n")
    .map((line) => line.trim());
  const from = lines.indexOf("frontend acme-responder");
  expect(lines.slice(from + 1, from + 7)).toEqual([
    "bind 0.0.0.0:80,[::]:80 v6only",
    "timeout client 60s",
    `http-request return status 200 content-type text/plain lf-string '%[path,field(4,/)].${one}' hdr X-Content-Type-Options nosniff if METH_GET { pathq -m reg '^/\\.well-known/acme-challenge/[A-Za-z0-9_-]{1,128}$' }`,
    "http-request set-var(txn.host) 'req.fhdr(host),host_only,lower'",
    "http-request deny deny_status 400 if !{ var(txn.host) -m reg '^([a-z0-9._-]+|\\[[0-9a-f:.]+\\])$' }",
    "http-request redirect location 'https://%[var(txn.host)]:8443%[pathq]' code 308",
  ]);
});

it("Apache leaves the port to a gateway that answers, and lists it in a way that its check can leave out", () => {
  const { configuration, notes } = render("apache");
  expect(configuration).toMatch(/^<IfDefine !tls_gateway_acme_80>\nListen 80\n {0}<VirtualHost \*:80>$/m);
  expect(configuration.endsWith("</VirtualHost>\n</IfDefine>\n")).toBe(true);
  expect(notes.join("\n")).toContain("give options.listen false");
  expect(render("apache", {}, { listen: false }).configuration).not.toMatch(/^Listen/m);
  const single = render("apache", { addresses: ["10.0.0.5", "2001:db8::5"] }).configuration;
  expect(single).toContain("<VirtualHost 10.0.0.5:80 [2001:db8::5]:80>");
});

it("a script of a whole configuration leaves a gateway alone, and one that lies beside knows of none", () => {
  expect(render("haproxy").installScript).toMatch(/^#!\/bin\/sh\n# A gateway that was installed in the same folder/);
  expect(render("haproxy").removeScript).toContain("nothing to do: a gateway has taken over");
  expect(render("nginx").installScript).not.toContain("gateway has taken over");
});
