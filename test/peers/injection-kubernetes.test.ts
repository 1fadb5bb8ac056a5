// Guards: no text of a site becomes more than a text in the objects of a cluster. Hostile sites are judged as an API server
// does, and have as many objects, rules and filters as harmless ones. FUZZ_RUNS=10000 for a long run.
import fc from "fast-check";
import { expect, test } from "vitest";
import { kubernetes } from "../../provider/src/gateway/kubernetes";
import { kubernetesSecrets } from "../../provider/src/gateway/kubernetes-files";
import type { KubernetesObject } from "../../provider/src/gateway/kubernetes-objects";
import type { HeaderChange, SiteData } from "../../provider/src/gateway/site";
import { checkSiteListInput } from "../../provider/src/lifecycle/site-schema";
import { refusedObjects } from "../support/kubernetes-validator";
import { describeWithPeer } from "../support/peer";

const runs = Number(process.env.FUZZ_RUNS ?? 2000);
const batch = Math.min(runs, 500);
const options = kubernetes.parseOptions({ gatewayClassName: "envoy" });

/** What means something to JSON, YAML, a shell, a template, or a server behind the gateway. */
const signs = fc.constantFrom(
  ..."\"'`\\$%#;:,|&<>()[]!?*~^=+-_./ @".split(""),
  ...[
    "{{ .Values.a }}",
    "$(id)",
    "%REQ(x)%",
    "\n",
    "\r\n",
    "\u0000",
    "\u2028",
    "é",
    "*/",
    "-->",
    "\\u0022",
    "---\n",
    "../",
  ],
);
const hostile = fc
  .array(fc.oneof({ weight: 2, arbitrary: signs }, fc.stringMatching(/^[A-Za-z0-9]{1,6}$/)), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(""));
const visible = hostile.map((text) => text.replace(/[^ -z|~]/gu, "").trim()).filter((text) => text !== "");

/** Mostly what the schema takes; the rest tries the schema. */
const mostly = (good: fc.Arbitrary<string>, bad = hostile) =>
  fc.oneof({ weight: 19, arbitrary: good }, { weight: 1, arbitrary: bad });

const header = fc.record({
  on: fc.constantFrom<HeaderChange["on"]>("request", "response"),
  action: fc.constantFrom<HeaderChange["action"]>("set", "append"),
  name: mostly(fc.stringMatching(/^X-[A-Za-z0-9_.-]{1,20}$/)),
  value: mostly(visible),
});
const route = mostly(
  fc.stringMatching(/^(\/[A-Za-z0-9._~-]{1,9}){1,4}$/),
  hostile.map((text) => `/${text}`),
);
const upstream = mostly(
  fc.constantFrom("http://web:80", "http://a.b.svc:80", "http://10.0.0.5:80", "http://[2001:db8::5]:80"),
  hostile.map((text) => `http://${text}.prod.svc:80`),
);
const hostileSite = fc.record({
  name: mostly(fc.oneof(visible, fc.stringMatching(/^[a-z0-9.-]{1,128}$/))),
  headers: fc.array(header, { maxLength: 4 }),
  routing: fc.array(fc.record({ route, effect: fc.constant("allow") }), { maxLength: 4 }),
  upstream: fc.record({ url: upstream, grpc: fc.boolean() }),
  tls: fc.oneof(fc.constant("disabled"), fc.record({ certificate: fc.record({ name: mostly(visible) }) })),
});

/** The sites of these that the schema and the kind take together. */
function taken(inputs: readonly object[]): readonly SiteData[] {
  const known = inputs.flatMap((input) => {
    const result = checkSiteListInput([input]);
    return "sites" in result ? result.sites : [];
  });
  const refused = new Set(kubernetes.checkSites(known, options).map(({ site }) => site));
  return known.filter(({ name }) => !refused.has(name));
}

function objectsOf(list: readonly SiteData[]): readonly KubernetesObject[] {
  const files = kubernetes.files(list, options);
  const contents = Object.fromEntries(files.map(({ path: file }) => [file, "text"]));
  const { items } = JSON.parse(kubernetes.render(list, options).configuration);
  return [...kubernetesSecrets(files, contents, options), ...items];
}

/** The same site with harmless texts: as many headers, paths and objects. */
function harmless(site: SiteData, index: number, list: readonly SiteData[]): SiteData {
  const certificates = list.map(({ tls }) => JSON.stringify(tls));
  const names = new Map((site.headers ?? []).map(({ name }, at) => [name, `X-${at}`]));
  return {
    ...site,
    name: `s${index}`,
    ...(site.headers && {
      headers: site.headers.map((change) => ({ ...change, name: names.get(change.name) ?? "X", value: "a" })),
    }),
    ...(site.tls !== "disabled" && {
      tls: { certificate: { name: `c${certificates.indexOf(JSON.stringify(site.tls))}` } },
    }),
  };
}

/** How much there is of everything, whatever its text. */
function shape(objects: readonly KubernetesObject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const count = (value: unknown, at: string): void => {
    counts[at] = (counts[at] ?? 0) + 1;
    if (Array.isArray(value)) for (const item of value) count(item, `${at}[]`);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) count(inner, `${at}.${key}`);
    }
  };
  for (const object of objects) count(object, object.kind);
  return counts;
}

describeWithPeer("kubernetes-validator", ({ path: program }) => {
  test(`${runs} hostile sites have the objects of harmless ones, and an API server takes them`, () => {
    let [count, values] = [0, 0];
    for (let start = 0; start < runs; start += batch) {
      const inputs = fc.sample(hostileSite, { numRuns: batch, seed: 20_261 + start }).map((given, index) => ({
        ...given,
        binds: [`h${start + index}.test:${given.tls === "disabled" ? 80 : 443}`],
      }));
      const unique = [...new Map(inputs.map((input) => [input.name, input])).values()];
      const list = taken(unique);
      const objects = objectsOf(list);
      expect(refusedObjects(program, "1.5.1", objects)).toEqual([]);
      expect(shape(objects)).toEqual(shape(objectsOf(list.map(harmless))));
      const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`);
      expect(new Set(ids).size).toBe(ids.length);
      count += list.length;
      values += list.flatMap(({ headers = [] }) => headers).length;
    }
    // else the test would judge nothing
    expect(count).toBeGreaterThan(runs / 2);
    expect(values).toBeGreaterThan(runs / 2);
  });

  test("nasty values stand in the objects octet for octet", () => {
    const nasty = ['"; rm -rf / #', "$(id) $HOME `id`", "%REQ(x)% %%", "\\n\\u0022\\", "a: b - c # d", "'''"];
    const given = nasty.map((value, index) => ({ on: "response", action: "set", name: `X-${index}`, value }));
    const list = taken([
      {
        ...{ name: "web", binds: ["web.test:443"], headers: given, tls: { certificate: { name: 'a "b" $c' } } },
        upstream: { url: "http://web:80" },
      },
    ]);
    const objects = objectsOf(list);
    expect(refusedObjects(program, "1.5.1", objects)).toEqual([]);
    const route = objects.find(({ kind }) => kind === "HTTPRoute");
    expect(route?.spec).toMatchObject({
      rules: [{ filters: [{ responseHeaderModifier: { set: given.map(({ name, value }) => ({ name, value })) } }] }],
    });
  });
});
