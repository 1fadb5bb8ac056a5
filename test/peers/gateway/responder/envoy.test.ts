// Envoy can't be run here: its own API judges what the kind renders, and the piece of Lua that answers is run by the Lua that
// HAProxy has in it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { challengeLua } from "../../../../provider/src/gateway/envoy/acme";
import { envoy } from "../../../../provider/src/gateway/envoy/envoy";
import { renderResponder } from "../../../../provider/src/gateway/responders";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { describeWithPeer } from "../../../support/peer";

const [one, two] = [`${"A".repeat(42)}E`, `${"B".repeat(42)}E`];
const accounts = [{ thumbprint: one, hostnames: ["a.test", "::1"] }, { thumbprint: two }];
const folder = mkdtempSync(join(tmpdir(), "responder-envoy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithPeer("envoy-validator", ({ path }) => {
  function judge(texts: Readonly<Record<string, string>>): string {
    const files = Object.entries(texts).map(([name, text]) => {
      const file = join(folder, basename(name));
      writeFileSync(file, text);
      return file;
    });
    return spawnSync(path, files, { encoding: "utf8" }).stdout.replace(/^.*: ok\n/gm, "");
  }

  it.each([{}, { redirect: false }, { redirect: 8443, port: 8080, addresses: ["10.0.0.5", "2001:db8::5"] }])(
    "takes a responder with %j, all files",
    (input) => {
      const { files } = renderResponder("envoy", { accounts, ...input }, {});
      expect(
        Object.keys(files)
          .map((file) => basename(file))
          .sort(),
      ).toEqual(["cds.json", "envoy.json", "lds.json"]);
      expect(judge(files)).toBe("");
    },
  );

  it("takes a gateway that answers, with sites on the port and without", () => {
    const options = envoy.parseOptions({ acmeThumbprint: one });
    const upstream = { url: "http://10.0.0.5:8080" };
    const site = { name: "a", binds: [":443"], hostnames: ["a.test"], tls: { certificate: { name: "c" } }, upstream };
    for (const redirectToHttps of [true, false]) {
      const { configuration, texts } = envoy.render(acceptedSites({ ...site, redirectToHttps }), options);
      expect(JSON.stringify(texts).split("envoy_on_request")).toHaveLength(2);
      expect(judge({ "envoy.json": configuration, ...texts })).toBe("");
    }
  });
});

describeWithPeer("haproxy", ({ path }) => {
  const longest = "a".repeat(128);
  it.each([
    ["GET", "a.test", "/.well-known/acme-challenge/a-_Z9", `200 text/plain nosniff a-_Z9.${one}`],
    ["HEAD", "A.Test:80", "/.well-known/acme-challenge/t", `200 text/plain nosniff t.${one}`],
    ["GET", "[::1]", "/.well-known/acme-challenge/t", `200 text/plain nosniff t.${one}`],
    ["GET", "[::1]:80", "/.well-known/acme-challenge/t", `200 text/plain nosniff t.${one}`],
    ["GET", "b.test", `/.well-known/acme-challenge/${longest}`, `200 text/plain nosniff ${longest}.${two}`],
    ["GET", "b.test", `/.well-known/acme-challenge/${longest}a`, "passed"],
    ["POST", "a.test", "/.well-known/acme-challenge/t", "passed"],
    ["GET", "a.test", "/.well-known/acme-challenge/", "passed"],
    ["GET", "a.test", "/.well-known/acme-challenge/t?x", "passed"],
    ["GET", "a.test", "/.well-known/acme-challenge/a.b", "passed"],
    ["GET", "a.test", "/.well-known/acme-challenge/a%0d%0aX: y", "passed"],
    ["GET", "a.test", "/xwell-known/acme-challenge/t", "passed"],
    ["GET", "a.test", "//.well-known/acme-challenge/t", "passed"],
    ["GET", "a.test", "/.well-known/acme-challenge/t/", "passed"],
  ])("%s for %s, %s: %s", (method, host, asked, expected) => {
    const values = { ":method": method, ":authority": host, ":path": asked };
    const calls = `
local said = "passed"
local values = { ${Object.entries(values).map(([name, value]) => `[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)} }
local handle = {}
function handle:headers() return { get = function(_, name) return values[name] end } end
function handle:respond(headers, body)
  said = headers[":status"] .. " " .. headers["content-type"] .. " " .. headers["x-content-type-options"] .. " " .. body
end
envoy_on_request(handle)
error("SAID " .. said .. " END")
`;
    const lua = challengeLua(accounts.map(({ thumbprint, hostnames = [] }) => ({ thumbprint, hostnames })));
    writeFileSync(join(folder, "answer.lua"), lua + calls);
    writeFileSync(join(folder, "haproxy.cfg"), `global\n  lua-load ${join(folder, "answer.lua")}\n`);
    const { stderr } = spawnSync(path, ["-c", "-f", join(folder, "haproxy.cfg")], { encoding: "utf8" });
    expect(/SAID (.*) END/.exec(stderr)?.[1]).toBe(expected);
  });
});
