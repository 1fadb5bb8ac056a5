import { ANSWER_TYPE, type AnsweringAccount, hostOf } from "../proxy/options";

/**
 * Answers http-01 before a request finds its route: a direct answer of a route has one text for all. Lua of Envoy's filter
 * (LuaJIT); names and thumbprints stand in it, which are plain signs alone. Patterns of Lua have no bounds.
 */
export function challengeLua(accounts: readonly AnsweringAccount[]): string {
  const open = accounts.find(({ hostnames }) => hostnames.length === 0);
  const entries = accounts.flatMap(({ thumbprint, hostnames }) =>
    hostnames.map((name) => `  [${JSON.stringify(hostOf(name))}] = ${JSON.stringify(thumbprint)},\n`),
  );
  return `local accounts = {\n${entries.join("")}}
local other = ${open === undefined ? "nil" : JSON.stringify(open.thumbprint)}
function envoy_on_request(request_handle)
  local headers = request_handle:headers()
  local method = headers:get(":method")
  local token = string.match(headers:get(":path") or "", "^/%.well%-known/acme%-challenge/([A-Za-z0-9_%-]+)$")
  if token == nil or string.len(token) > 128 or (method ~= "GET" and method ~= "HEAD") then
    return
  end
  local host = string.gsub(string.lower(headers:get(":authority") or ""), ":%d+$", "")
  local thumbprint = accounts[host] or other
  if thumbprint ~= nil then
    local answer = {[":status"] = "200", ["content-type"] = "${ANSWER_TYPE}", ["x-content-type-options"] = "nosniff"}
    request_handle:respond(answer, token .. "." .. thumbprint)
  end
end
`;
}
