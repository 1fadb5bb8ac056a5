// Guards what Envoy's API can't judge: which site a request finds, what it is answered, and in which order.
import { describe, expect, it } from "vitest";
import { envoy } from "../../../../provider/src/gateway/envoy/envoy";
import { exceptionGroups } from "../../../../provider/src/gateway/envoy/routes";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { acceptedSites } from "../../../support/gateway/cells-sites";

const options = envoy.parseOptions({});
const base = {
  binds: [":443"],
  tls: { certificate: { name: "shop" } },
  upstream: { url: "http://10.0.0.5:8080" },
};

interface Match {
  readonly prefix?: string;
  readonly path_separated_prefix?: string;
  readonly safe_regex?: { readonly regex: string };
  readonly headers?: readonly {
    readonly name: string;
    readonly invert_match?: boolean;
    readonly string_match: { readonly safe_regex?: { readonly regex: string } };
  }[];
}
interface Route {
  readonly match: Match;
  readonly direct_response?: { readonly status: number };
  readonly redirect?: object;
  readonly route?: { readonly cluster: string; readonly idle_timeout: string };
  readonly response_headers_to_add?: readonly object[];
}
interface Host {
  readonly domains: readonly string[];
  readonly routes: readonly Route[];
  readonly typed_per_filter_config?: Readonly<Record<string, object>>;
}
interface Chain {
  readonly filter_chain_match?: object;
  readonly filters: readonly {
    readonly typed_config: {
      readonly route_config: { readonly virtual_hosts: readonly Host[] };
      readonly http_filters: readonly { readonly name: string }[];
    };
  }[];
}
interface Listener {
  readonly name: string;
  readonly additional_addresses?: readonly object[];
  readonly listener_filters?: readonly { readonly name: string }[];
  readonly filter_chains: readonly Chain[];
}

function listeners(...inputs: readonly object[]): readonly Listener[] {
  const { texts = {} } = envoy.render(acceptedSites(...inputs), options);
  return JSON.parse(texts["/etc/envoy/tls-gateway/current/lds.json"] ?? "").resources;
}

function chains(...inputs: readonly object[]): readonly Chain[] {
  return listeners(...inputs)[0]?.filter_chains ?? [];
}

function hosts(chain: Chain | undefined): readonly Host[] {
  return chain?.filters[0]?.typed_config.route_config.virtual_hosts ?? [];
}

/** A route in a line: where it matches, and what it does. */
function told({ match, direct_response: answer, redirect, route }: Route): string {
  const where = match.path_separated_prefix ?? match.prefix ?? "ambiguous";
  const headers = match.headers
    ?.map(({ name, invert_match: isNot }) => ` ${isNot === true ? "not " : ""}${name}`)
    .join("");
  return `${where}${headers ?? ""} -> ${answer?.status ?? (redirect && JSON.stringify(redirect)) ?? `${route?.cluster} ${route?.idle_timeout}`}`;
}

/** What stands before all else in a virtual host that serves. */
const guards = ["/ not :authority -> 400", "/ :method -> 405"];

describe("a listener with TLS", () => {
  it("has a chain for each name, in which nothing but the name is served", () => {
    const found = chains({ ...base, name: "shop", hostnames: ["a.test", "b.test"] });
    expect(found.map((chain) => [chain.filter_chain_match, hosts(chain).map(({ domains }) => domains)])).toEqual([
      [{ server_names: ["a.test"], transport_protocol: "tls" }, [["a.test"], ["*"]]],
      [{ server_names: ["b.test"], transport_protocol: "tls" }, [["b.test"], ["*"]]],
    ]);
    expect(hosts(found[0])[1]?.routes.map(told)).toEqual(["/ -> 421"]);
  });

  it("lets one label stand for a wildcard, and compares the name of the handshake with that of the request", () => {
    const [chain] = chains({ ...base, name: "shop", hostnames: ["*.shop.test"] });
    const [guard] = hosts(chain)[0]?.routes ?? [];
    const filters = chain?.filters[0]?.typed_config.http_filters.map(({ name }) => name);
    expect(filters?.[0]).toBe("envoy.filters.http.lua");
    const regex = guard?.match.headers?.[0]?.string_match.safe_regex?.regex ?? "";
    expect(guard && told(guard)).toBe("/ not :authority -> 421");
    const matches = ["a.shop.test", "A.Shop.Test:8443"].map((text) => wholly(regex).test(text));
    const others = ["a.b.shop.test", "shop.test", ".shop.test", "axshop.test", "a.shop.test.x"];
    expect([...matches, ...others.map((text) => wholly(regex).test(text))]).toEqual([
      true,
      true,
      ...others.map(() => false),
    ]);
  });

  it("answers every name when the site has none", () => {
    const [chain] = chains({ ...base, name: "shop" });
    expect(chain?.filter_chain_match).toEqual({ transport_protocol: "tls" });
    expect(hosts(chain).map(({ domains }) => domains)).toEqual([["*"]]);
  });

  it("is one for IPv4 and IPv6", () => {
    const [listener, ...more] = listeners({ ...base, name: "shop" });
    expect(listener).toMatchObject({
      name: "0.0.0.0:443",
      additional_addresses: [{ address: { socket_address: { address: "::", port_value: 443 } } }],
    });
    expect(more).toEqual([]);
  });

  it("is two when different sites listen there", () => {
    const named = { ...base, hostnames: ["a.test"] };
    const found = listeners(
      { ...named, name: "both" },
      { ...named, name: "v6", binds: ["[::]:443"], hostnames: ["b.test"] },
    );
    expect(found.map(({ name, filter_chains: all }) => [name, all.length])).toEqual([
      ["0.0.0.0:443", 1],
      ["[::]:443", 2],
    ]);
  });

  it("takes the PROXY protocol's word from the trusted alone", () => {
    const [listener] = listeners({ ...base, name: "shop", proxyProtocol: { trusted: ["10.0.0.0/8", "::1"] } });
    expect(listener?.listener_filters?.map(({ name }) => name)).toEqual([
      "envoy.filters.listener.proxy_protocol",
      "envoy.filters.listener.tls_inspector",
    ]);
    expect(listener?.filter_chains[0]?.filter_chain_match).toMatchObject({
      direct_source_prefix_ranges: [
        { address_prefix: "10.0.0.0", prefix_len: 8 },
        { address_prefix: "::1", prefix_len: 128 },
      ],
    });
  });
});

describe("maintenance", () => {
  it("answers 503, and lets exceptions through by a chain of their own", () => {
    const found = chains({ ...base, name: "shop", hostnames: ["a.test"], maintenance: { except: ["10.0.0.0/8"] } });
    expect(found.map(({ filter_chain_match: match }) => match)).toMatchObject([
      { source_prefix_ranges: [{ address_prefix: "10.0.0.0", prefix_len: 8 }] },
      { server_names: ["a.test"] },
    ]);
    expect(found.map((chain) => hosts(chain)[0]?.routes.map(told))).toEqual([
      [...guards, "/ upgrade -> http/shop 3600s", "/ -> http/shop 60s"],
      [...guards, "/ -> 503"],
    ]);
    expect(hosts(found[1])[0]?.routes.at(-1)?.response_headers_to_add).toMatchObject([
      { header: { key: "retry-after", value: "300" } },
    ]);
  });

  it("counts a range for every list with a range around it, since Envoy takes the narrowest and no other", () => {
    const site = (name: string, except: string[]) => ({
      ...base,
      name,
      hostnames: [`${name}.test`],
      maintenance: { except },
    });
    const sites = acceptedSites(site("wide", ["10.0.0.0/8"]), site("narrow", ["10.1.0.0/16", "::1"]));
    const groups = exceptionGroups(sites).map(({ ranges, isExcepted }) => [
      ranges,
      sites.filter(isExcepted).map(({ name }) => name),
    ]);
    expect(groups).toEqual([
      [["10.0.0.0/8"], ["wide"]],
      [["10.1.0.0/16"], ["wide", "narrow"]],
      [["::1"], ["narrow"]],
      [[], []],
    ]);
  });
});

describe("routes", () => {
  const routing = [
    { route: "/p", effect: "allow" },
    { route: "/p/secret", effect: "deny" },
  ];

  it("are judged from the longest path on, and the rest is denied", () => {
    const [chain] = chains({ ...base, name: "shop", routing });
    expect(hosts(chain)[0]?.routes.map(told)).toEqual([
      ...guards,
      ...Array.from({ length: 3 }, () => "ambiguous -> 400"),
      "/p/secret -> 403",
      "/p upgrade -> http/shop 3600s",
      "/p -> http/shop 60s",
      "/ -> 403",
    ]);
  });

  it.each([
    ["/p", false],
    ["/p/a.b..c/.well-known?next=//x/../y;z%2f", false],
    ["/p%20a/%25", false],
    ["//p", true],
    ["/p/../x", true],
    ["/p/..", true],
    ["/p/..?a", true],
    ["/p/./x", true],
    ["/p\\x", true],
    ["/p/%2E%2e/x", true],
    ["/p%2fx", true],
    ["/p%5Cx", true],
    ["/p%00", true],
    ["/p;a=b/x", true],
  ])("%s can be read in two ways: %s", (path, isAmbiguous) => {
    const [chain] = chains({ ...base, name: "shop", routing });
    const patterns = hosts(chain)[0]?.routes.flatMap(({ match }) => match.safe_regex?.regex ?? []) ?? [];
    // Envoy takes the query away
    const [asked = ""] = path.split("?");
    expect(patterns.some((regex) => wholly(regex).test(asked))).toBe(isAmbiguous);
  });

  it("send gRPC to a cluster of its own, which speaks HTTP/2", () => {
    const [chain] = chains({ ...base, name: "shop", upstream: { ...base.upstream, grpc: true } });
    expect(hosts(chain)[0]?.routes.map(told)).toEqual([
      ...guards,
      "/ upgrade -> http/shop 3600s",
      "/ content-type -> grpc/shop 60s",
      "/ -> http/shop 60s",
    ]);
  });

  it("send http on to https, a whole name without the port of the request", () => {
    const [listener] = listeners({
      ...base,
      name: "shop",
      binds: [":8443"],
      hostnames: ["*.a.test", "a.test"],
      redirectToHttps: true,
    });
    expect(hosts(listener?.filter_chains[0]).map(({ routes }) => told(routes.at(-1) as Route))).toEqual([
      '/ -> {"https_redirect":true,"port_redirect":8443,"response_code":"PERMANENT_REDIRECT"}',
      '/ -> {"https_redirect":true,"host_redirect":"a.test","port_redirect":8443,"response_code":"PERMANENT_REDIRECT"}',
      "/ -> 421",
    ]);
  });
});

describe("headers", () => {
  it("are changed in order, after what the upstream is told of the client, and per cent signs stand for themselves", () => {
    const headers = [
      { on: "request", action: "addIfAbsent", name: "X-Forwarded-Proto", value: "100%" },
      { on: "request", action: "remove", name: "X-A" },
      { on: "response", action: "append", name: "Vary", value: "Origin" },
    ];
    const [chain] = chains({ ...base, name: "shop", headers, hsts: { maxAgeSeconds: 5 } });
    const set = (key: string, value: string, action = "OVERWRITE_IF_EXISTS_OR_ADD") => ({
      append: { header: { key, value }, append_action: action },
    });
    expect(Object.values(hosts(chain)[0]?.typed_per_filter_config ?? {})).toMatchObject([
      {
        mutations: {
          request_mutations: [
            set("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
            set("x-forwarded-proto", "https"),
            set("x-forwarded-host", "%REQ(:AUTHORITY)%"),
            set("X-Forwarded-Proto", "100%%", "ADD_IF_ABSENT"),
            { remove: "X-A" },
          ],
          response_mutations: [
            set("strict-transport-security", "max-age=5"),
            set("Vary", "Origin", "APPEND_IF_EXISTS_OR_ADD"),
          ],
        },
      },
    ]);
  });
});

describe("checks", () => {
  it.each([
    [{ headers: [{ on: "request", action: "append", name: "HOST", value: "x" }] }, "headers[0].action", /exactly one/],
    [{ headers: [{ on: "response", action: "remove", name: "Connection" }] }, "headers[0].name", /by itself/],
  ])("refuse %j", (more, property, reason) => {
    const [problem] = envoy.checkSites(acceptedSites({ ...base, name: "shop", ...more }), options);
    expect(problem).toMatchObject({ site: "shop", property, reason: expect.stringMatching(reason) });
  });

  it("refuse a largest body for an Envoy that would hold all of it", () => {
    const sites = acceptedSites({ ...base, name: "shop", maxBodyBytes: 5 });
    expect(envoy.checkSites(sites, options)).toEqual([]);
    expect(envoy.checkSites(sites, envoy.parseOptions({ version: "1.34" }))).toMatchObject([
      { property: "maxBodyBytes" },
    ]);
  });

  it("refuse many lists of exceptions on a listener without TLS, each of which would have all sites once more", () => {
    const site = (index: number) => ({
      name: `s${index}`,
      binds: [":80"],
      hostnames: [`s${index}.test`],
      tls: "disabled",
      upstream: base.upstream,
      maintenance: { except: [`10.0.0.${index}`] },
    });
    const many = (count: number) => acceptedSites(...Array.from({ length: count }, (_, index) => site(index)));
    expect(envoy.checkSites(many(16), options)).toEqual([]);
    expect(envoy.checkSites(many(17), options)).toMatchObject([
      { property: "maintenance.except" },
      { property: "maintenance.except" },
    ]);
  });
});

it("the order of sites does not show", () => {
  const sites = acceptedSites(
    { ...base, name: "b", hostnames: ["b.test"] },
    { ...base, name: "a", hostnames: ["a.test"], maintenance: { except: ["::1", "10.0.0.1"] } },
  );
  const reversed: readonly SiteData[] = [...sites].reverse();
  expect(envoy.render(reversed, options)).toEqual(envoy.render(sites, options));
});

it("a new certificate is taken up by the swap of the link, since the folder of the link is watched", () => {
  const { texts = {} } = envoy.render(acceptedSites({ ...base, name: "shop" }), options);
  const [secret] = JSON.parse(texts["/etc/envoy/tls-gateway/current/sds/certs/shop.json"] ?? "").resources;
  expect(secret.tls_certificate).toEqual({
    certificate_chain: { filename: "/etc/envoy/tls-gateway/current/certs/shop.pem" },
    private_key: { filename: "/etc/envoy/tls-gateway/current/certs/shop-key.pem" },
    watched_directory: { path: "/etc/envoy/tls-gateway" },
  });
});

/** RE2 of Envoy's matchers means the whole text; `(?i)` is a flag in JavaScript, and `\C`, any octet, a set. */
function wholly(regex: string): RegExp {
  return new RegExp(
    `^(?:${regex.replace(/^\(\?i\)/, "").replaceAll("\\C", "[\\s\\S]")})$`,
    regex.startsWith("(?i)") ? "i" : "",
  );
}
