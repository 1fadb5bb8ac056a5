// The one piece of Lua in Envoy's configuration, run by the Lua that HAProxy has in it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { SNI_GUARD } from "../../../provider/src/gateway/envoy/listeners";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("haproxy", ({ path }) => {
  const folder = mkdtempSync(join(tmpdir(), "sni-guard-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ["a.test", "a.test", "passed"],
    ["A.Test:8443", "a.test", "passed"],
    ["b.test", "a.test", "421 Misdirected Request"],
    ["a.test.b", "a.test", "421 Misdirected Request"],
    ["a.test:x", "a.test", "421 Misdirected Request"],
    [undefined, "a.test", "421 Misdirected Request"],
    ["a.test", "", "421 Misdirected Request"],
  ])("a request for %s in a handshake for %s is %s", (host, serverName, expected) => {
    const calls = `
local said = "passed"
local handle = {}
function handle:headers() return { get = function(_, name) if name == ":authority" then return ${quoted(host)} end end } end
function handle:streamInfo() return { requestedServerName = function() return ${quoted(serverName)} end } end
function handle:respond(headers, body) said = headers[":status"] .. " " .. string.gsub(body, "\\n$", "") end
envoy_on_request(handle)
error("SAID " .. said .. " END")
`;
    writeFileSync(join(folder, "guard.lua"), SNI_GUARD + calls);
    writeFileSync(join(folder, "haproxy.cfg"), `global\n  lua-load ${join(folder, "guard.lua")}\n`);
    const { stderr } = spawnSync(path, ["-c", "-f", join(folder, "haproxy.cfg")], { encoding: "utf8" });
    expect(/SAID (.*) END/.exec(stderr)?.[1]).toBe(expected);
  });
});

function quoted(text: string | undefined): string {
  return text === undefined ? "nil" : JSON.stringify(text);
}
