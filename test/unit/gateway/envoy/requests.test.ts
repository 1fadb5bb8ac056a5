// Guards: requests that get past the rules of a site behind Envoy. The vectors are those of the suite that runs against the
// other servers; the evaluator reads what the kind renders.
import { describe, expect, it } from "vitest";
import { envoy } from "../../../../provider/src/gateway/envoy/envoy";
import { type EnvoyListener, type EnvoyRequest, evaluateEnvoy } from "../../../support/gateway/envoy-evaluator";
import { addresses, trialSites } from "../../../support/gateway/sites";
import {
  allowed,
  denied,
  encodedShut,
  forged,
  identityHeaders,
  plainlyEncoded,
  shut,
  strange,
  strangeHosts,
  undenied,
  underscored,
} from "../../../support/gateway/vectors";

const placed = { certFile: "/p/a.pem", keyFile: "/p/a.key", clientRootFile: "/p/c.pem", upstreamRootFile: "/p/u.pem" };
const numbers = { plain: 8001, secure: 8002, h2c: 8003, down: 8004, second: 8005 };
const upstreams = { ...numbers, first: 8006, elsewhere: 8007, later: 8008, silent: 8009 };
const ports = { tlsPort: 8443, plainPort: 8080, openPort: 8444, otherPort: 8445 };
const { texts = {} } = envoy.render(
  trialSites({ ...ports, upstreams, placed }, envoy.features),
  envoy.parseOptions({ httpPort: 8081 }),
);
const listeners: readonly EnvoyListener[] = JSON.parse(
  texts["/etc/envoy/tls-gateway/current/lds.json"] ?? "",
).resources;

function outcome(place: string, request: EnvoyRequest) {
  const listener = listeners.find(({ name }) => name === place);
  if (listener === undefined) throw new Error(`no listener is called ${place}`);
  return evaluateEnvoy(listener, request);
}

function ask(site: string, request: Partial<EnvoyRequest> = {}) {
  const name = `${site}.gw.test`;
  return outcome(`${addresses.main}:${ports.tlsPort}`, { serverName: name, authority: name, path: "/", ...request });
}

/** The status, or 200 for what the upstream gets. */
function status(site: string, path: string): number | undefined {
  const { status: own, cluster } = ask(site, { path });
  return cluster === undefined ? own : 200;
}

const each = (paths: readonly string[]) => paths.map((path) => [path] as const);

describe("rules on paths", () => {
  it.each(each(allowed))("let in what the list allows: %s", (path) => {
    expect(status("allow-list", path)).toBe(200);
  });
  it.each(each(denied))("refuse what it does not allow: %s", (path) => {
    expect(status("allow-list", path)).toBe(403);
  });
  it.each(each(undenied))("let in what the list does not deny: %s", (path) => {
    expect(status("deny-list", path)).toBe(200);
  });
  it.each(each(shut))("refuse what the list denies: %s", (path) => {
    expect(status("deny-list", path)).toBe(403);
  });
  it.each(each([...encodedShut, "/adm%u0069n", "/%5Fx", "/%7e", "/%2Dx", "/x%", "/x%4", "/x%zz"]))(
    "refuse percent-encoding that a server decodes to another path, or that is none: %s",
    (path) => {
      expect(status("deny-list", path)).toBe(400);
    },
  );
  it.each(each(plainlyEncoded))("let through other percent-encoding: %s", (path) => {
    expect(status("allow-list", path)).toBe(200);
  });

  for (const [site, open] of [
    ["allow-list", "/public"],
    ["deny-list", "/x"],
  ] as const) {
    it.each(each([...strange(open), `${open}#/../admin`]))(
      `refuse on "${site}" what can be read in two ways: %s`,
      (path) => {
        expect(status(site, path)).toBe(400);
      },
    );
    // RE2 takes an octet that is no UTF-8 for nothing that a dot or a negated set could match
    it.each(each([`${open}/\xff/../admin`, `/%61dmin/\xff`, `${open}/..?\xff`]))(
      `refuse it on "${site}" beside octets that are no UTF-8: %j`,
      (path) => {
        expect(status(site, path)).toBe(400);
      },
    );
  }
});

describe("a Host of another form than a name with a port", () => {
  it.each([
    [`${addresses.main}:${ports.tlsPort}`, "a.gw.test"],
    [`${addresses.main}:${ports.tlsPort}`, "some.gw.test"],
    [`${addresses.nameless}:${ports.tlsPort}`, "any.test"],
    [`${addresses.main}:${ports.plainPort}`, "plain.test"],
    [`${addresses.main}:8081`, "a.gw.test"],
    [`${addresses.main}:8081`, "some.gw.test"],
    [`${addresses.nameless}:8081`, "any.test"],
  ])("is refused on %s for %s", (place, name) => {
    // Envoy joins several with a comma
    for (const authority of [...strangeHosts(name), `${name},evil.test`, `evil.test,${name}`]) {
      const { status: own } = outcome(place, { serverName: name, authority, path: "/" });
      expect([authority, own]).toEqual([authority, expect.toBeOneOf([400, 421])]);
    }
  });

  it("is the only form that is refused", () => {
    for (const authority of ["a.gw.test", "A.gw.TEST", "a.gw.test:8443", "a.gw.test:1"]) {
      expect(ask("a", { authority })).toMatchObject({ cluster: "http/a" });
    }
  });
});

describe("headers by which a client names itself", () => {
  it.each(identityHeaders)("never reach the upstream: %s", (name) => {
    for (const site of ["a", "h2c", "request-headers"]) {
      const headers = [name, name.toLowerCase(), ...underscored(name)].map((spelt) => [spelt, forged] as const);
      const found = ask(site, { headers }).headers;
      expect(found?.filter(([, value]) => value.includes(forged))).toEqual([]);
    }
  });

  it("can be set by the site", () => {
    const found = ask("identified", { headers: [["X-Real-IP", forged]] }).headers;
    expect(found?.filter(([name]) => name === "x-real-ip")).toEqual([["x-real-ip", "the-gateway"]]);
  });
});

it.each(["TRACE", "CONNECT"])("%s is refused", (method) => {
  expect(ask("a", { method }).status).toBeOneOf([404, 405]);
  expect(ask("wild", { method, path: "/admin" }).status).toBeOneOf([404, 405]);
});
