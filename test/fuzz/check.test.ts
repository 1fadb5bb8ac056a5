// Whatever a program gives: check answers with inputs or failures, in time, and repeats no key.
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createDynamicProvider, type DynamicProvider, SENSITIVE } from "../../provider/src/adapter/dynamic-provider";
import { certificateChain } from "../../provider/src/lifecycle/chain/certificate-chain";
import type { Lifecycle } from "../../provider/src/lifecycle/lifecycle";
import { leafCertificate } from "../../provider/src/lifecycle/local/leaf-certificate";
import { selfSignedCa } from "../../provider/src/lifecycle/local/self-signed-ca";
import { gateway } from "../../provider/src/lifecycle/site/gateway";
import { site } from "../../provider/src/lifecycle/site/site";
import { slowness } from "../support/cpu-time";
import { issuer, leafOf } from "../support/engine/lifecycle";
import { fuzzRuns } from "../support/tier";

const runs = fuzzRuns(150, 20_000);
const timeout = 600_000 + runs * 100;
/** The most that check may take (the issue, "Bad input"), in milliseconds. */
const MOST = 100;
const UNKNOWN_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const SIGNATURE = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

type Json = Record<string, unknown>;

/** Valid arguments of each resource, between them with every property that there is. */
const valid = new Map<Lifecycle, Json[]>();
/** Every stretch of each private key that was put into an input. */
let keyStretches: readonly string[] = [];
/** Texts that are keys, certificates, or near to them. */
let texts: readonly string[] = [];

beforeAll(async () => {
  const root = await issuer();
  const constrained = await issuer({ keyType: "Ed25519", nameConstraints: { permittedDnsDomains: ["a.test"] } });
  const leaf = await leafOf(root);
  const policy = { minDaysRemaining: 5, checkIntervalHours: 24 };
  const issued = { name: "ca", subject: { commonName: "a", country: "DE" }, keyType: "P256", validityDays: 90 };
  const nameConstraints = { permittedDnsDomains: ["a.test"], excludedIpRanges: ["10.0.0.0/8"] };
  valid.set(selfSignedCa, [
    { ...issued, nameConstraints, ...policy },
    { certPem: root.caCertPem, privateKeyPem: root.caPrivateKeyPem, ...policy },
  ]);
  const hostnames = ["a.test", "*.a.test"];
  valid.set(leafCertificate, [
    { hostnames, usage: "server", keyType: "P256", validityDays: 90, subject: { commonName: "a" }, ...root, ...policy },
    { hostnames, ...constrained, caValidTo: "2036-01-01T00:00:00Z", caNameConstraints: nameConstraints },
  ]);
  valid.set(certificateChain, [
    { ...leaf, issuerPem: root.caCertPem, roots: root.caCertPem, hostnames: ["a.test"], passphrase: "x", ...policy },
    { certPem: leaf.certPem + root.caCertPem },
  ]);
  const web = {
    name: "web",
    binds: ["a.test:443"],
    hostnames: ["b.test", "10.0.0.5"],
    externalUrl: "https://a.test",
    tls: { selfSigned: { ca: "ca", hostnames: ["a.test", "b.test", "10.0.0.5"] } },
    redirectToHttps: true,
    headers: [{ on: "response", action: "set", name: "X-A", value: "b" }],
    routing: [{ route: "io", effect: "allow", rewrite: "/a" }],
    maintenance: { except: ["10.0.0.0/8"], conditions: ["path /a"] },
  };
  const plain = { name: "plain", binds: [":8080"], tls: "disabled", grpcPort: 33060 };
  const encrypted = {
    name: "le",
    binds: ["c.test:443"],
    tls: { letsEncrypt: { email: "a@b.test", acceptEula: true } },
  };
  const fleet = { ...web, binds: ["0.0.0.0:8443"] };
  const file = { certFile: "/a", keyFile: "/b" };
  valid.set(site, [web, plain, encrypted, { ...plain, binds: [":443"], tls: { certificate: file } }]);
  valid.set(gateway, [
    { name: "cells", kind: "cells", sites: [fleet, plain], options: { version: "5", grpcPort: 33060 } },
    { name: "cells", kind: "cells", sites: 'site a\n  binds ["0.0.0.0:80"]\n  tls disabled\n' },
  ]);
  const keys = [root.caPrivateKeyPem, constrained.caPrivateKeyPem, leaf.privateKeyPem];
  const bodies = keys.map((pem) => pem.split("\n").slice(1, -2).join(""));
  keyStretches = bodies.flatMap((body) => stretches(body, 24));
  const certificates = [root.caCertPem, leaf.certPem];
  const damaged = [...keys, ...certificates].flatMap((pem) => [pem.slice(0, 150), pem.replace(/\n/, ""), pem + pem]);
  texts = [...keys, ...bodies, ...certificates, ...damaged];
});

const lifecycles: [string, Lifecycle][] = [selfSignedCa, leafCertificate, certificateChain, site, gateway].map(
  (lifecycle) => [lifecycle.name, lifecycle],
);

/** Any JSON, with what is dangerous in one engine or another among its keys and values. */
const name = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "length", "", "a\nb", "name", "tls"),
  fc.string({ unit: "binary", maxLength: 12 }),
);
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1e300,
    1.5,
    "",
    UNKNOWN_MARK,
    "system",
    "disabled",
    "*",
    "0.0.0.0",
  ),
  fc.double(),
  fc.string({ unit: "binary" }),
  fc.nat(400).map((index) => texts[index % texts.length]),
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5, depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("json"), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie("json")), { maxLength: 4 }).map(ownEntries),
    tie("json").map((value) => ({ ...SIGNATURE, value })),
    fc.tuple(tie("json"), fc.nat(40)).map(([value, depth]) => nested(value, depth)),
  ),
}));

/** What is done to a valid input: a value somewhere inside is replaced, removed, or gets a neighbour. */
const mutation = fc.record({
  at: fc.nat(1000),
  how: fc.constantFrom("replace", "remove", "add", "mangle"),
  name,
  value: json,
});

describe.each(lifecycles)("check of %s", (_, lifecycle) => {
  const provider = createDynamicProvider(() => lifecycle);

  test(
    "answers to any JSON",
    async () => {
      const properties = fc.array(fc.tuple(fc.oneof(name, fc.nat(50).map(propertyOf)), json), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(properties.map(ownEntries), fc.boolean(), async (news, sensitive) => {
          await judge(provider, {}, sensitive ? { ...news, [SENSITIVE]: Object.keys(news) } : news);
        }),
        { numRuns: runs },
      );
    },
    timeout,
  );

  test(
    "answers to valid input that was mutated, also after a run that was valid",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(10),
          fc.array(mutation, { minLength: 1, maxLength: 3 }),
          fc.boolean(),
          async (pick, mutations, again) => {
            const given = argsOf(pick);
            const olds = again ? await judge(provider, {}, given) : undefined;
            const news = mutations.reduce((value, each) => mutated(value, each) as Json, given);
            await judge(provider, opened(olds?.inputs ?? {}), news);
          },
        ),
        { numRuns: runs },
      );
    },
    timeout,
  );

  test("answers to ten megabytes of junk in each text", async () => {
    for (const given of valid.get(lifecycle) ?? []) {
      expect(await judge(provider, {}, given)).toHaveProperty("inputs");
      for (const path of textPaths(given)) {
        // one text of all sites is cut apart before it is read: two kinds of junk inside it do
        const some = path.length > 1 && path[0] === "sites" ? junks.slice(0, 2) : junks;
        for (const junk of some) await judge(provider, {}, replaced(given, path, junk) as Json);
      }
    }
  });

  test("answers to a hundred thousand entries, or ten thousand levels, in each property", async () => {
    const list = Array.from({ length: 100_000 }, (_, index) => `h${index}.test`);
    let deep: unknown = 1;
    for (let level = 0; level < 5000; level++) deep = { a: [deep] };
    const object = Object.fromEntries(list.map((key) => [key, 1]));
    for (const given of valid.get(lifecycle) ?? []) {
      await judge(provider, {}, { ...given, ...object });
      for (const key of Object.keys(given)) {
        for (const huge of [list, list.map(() => 5), list.map(() => ({})), object, deep]) {
          await judge(provider, {}, { ...given, [key]: huge });
        }
      }
    }
  });

  test("repeats no key, wherever it is put", async () => {
    for (const given of valid.get(lifecycle) ?? []) {
      for (const path of textPaths(given)) {
        for (const text of texts) await judge(provider, {}, replaced(given, path, text) as Json);
      }
    }
  });

  function argsOf(pick: number): Json {
    const all = valid.get(lifecycle) ?? [];
    return structuredClone(all[pick % all.length] ?? {});
  }

  function propertyOf(pick: number): string {
    const all = (valid.get(lifecycle) ?? []).flatMap(Object.keys);
    return all[pick % Math.max(1, all.length)] ?? "name";
  }
});

/** Junk that a reader may stumble over: no structure, one structure without end, or the start of one that is known. */
const junks = [
  "x".repeat(1e7),
  " ".repeat(1e7),
  "\n".repeat(1e7),
  "\0".repeat(1e7),
  ".".repeat(1e7),
  "[".repeat(1e7),
  '{"a":'.repeat(2e6),
  `[${"[],".repeat(3e6)}[]]`,
  `["${"\\\\".repeat(5e6)}"]`,
  "site a\n".repeat(1e6),
  "site a\n\n".repeat(1e6),
  "-".repeat(1e7),
  "-----BEGIN CERTIFICATE-----\n".repeat(3e5),
  "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".repeat(1e5),
  `-----BEGIN CERTIFICATE-----\n${"A".repeat(1e7)}\n-----END CERTIFICATE-----\n`,
  "https://".repeat(1e6),
  "🔑".repeat(2e6),
];

/** Asks the provider, and fails the test for what no answer may be. */
async function judge(provider: DynamicProvider, olds: Json, news: Json) {
  // as the class of a gateway does: sites travel as one text
  const sent = Array.isArray(news.sites) ? { ...news, sites: JSON.stringify(news.sites) } : news;
  let [answer, milliseconds] = await timed(provider, olds, sent);
  // the machine may be busy with other tests, and a first call loads what it needs: the least of a few counts
  for (let retry = 0; milliseconds >= MOST && retry < 5; retry++) {
    const again = await timed(provider, olds, sent);
    milliseconds = Math.min(milliseconds, again[1] / slowness());
    answer = again[0];
  }
  expect(milliseconds, "milliseconds of check").toBeLessThan(MOST);
  if (answer.inputs !== undefined) {
    expect(answer.failures).toBeUndefined();
    return answer;
  }
  expect(answer.failures?.length).toBeGreaterThan(0);
  expect(answer.failures?.length).toBeLessThanOrEqual(31);
  for (const { property, reason } of answer.failures ?? []) {
    expect(property).toBe("");
    expect(reason).toMatch(/^.+[.!?]$/);
    expect(reason).not.toMatch(/a bug in|undefined|\[object|NaN days/);
    expect(reason.length).toBeLessThan(2000);
    for (const stretch of keyStretches) if (reason.includes(stretch)) expect.fail(`a key is repeated: ${reason}`);
  }
  return answer;
}

/** CPU time: the machine may be busy. */
async function timed(provider: DynamicProvider, olds: Json, news: Json) {
  const start = process.threadCpuUsage();
  const answer = await provider.check(olds, news);
  const { user, system } = process.threadCpuUsage(start);
  return [answer, (user + system) / 1000] as const;
}

/** Checked inputs as the engine sends them back: without the envelopes of secrets. */
function opened(inputs: Json): Json {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      const isSecret =
        typeof value === "object" && value !== null && Object.keys(SIGNATURE).some((mark) => mark in value);
      return [key, isSecret ? (value as Json).value : value];
    }),
  );
}

function stretches(text: string, length: number): readonly string[] {
  return Array.from({ length: text.length - length + 1 }, (_, start) => text.slice(start, start + length));
}

/** An object of own properties, `__proto__` among them, as JSON.parse makes it. */
function ownEntries(entries: readonly (readonly [string, unknown])[]): Json {
  return Object.fromEntries(entries);
}

function nested(value: unknown, depth: number): unknown {
  return depth === 0 ? value : [nested(value, depth - 1)];
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, entry]) =>
    pathsOf(entry, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}

function textPaths(value: unknown): readonly Path[] {
  return pathsOf(value).filter(
    (path) => typeof path.reduce<unknown>((inside, key) => (inside as Json)[key], value) === "string",
  );
}

function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((entry, index) => (index === key ? replaced(entry, rest, by) : entry));
  return { ...(value as Json), [key]: replaced((value as Json)[key], rest, by) };
}

function removed(value: unknown, path: Path): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (rest.length > 0) return replaced(value, [key], removed((value as Json)[key], rest));
  if (Array.isArray(value)) return value.filter((_, index) => index !== key);
  return Object.fromEntries(Object.entries(value as Json).filter(([other]) => other !== key));
}

interface Mutation {
  readonly at: number;
  readonly how: string;
  readonly name: string;
  readonly value: unknown;
}

function mutated(given: unknown, { at, how, name, value }: Mutation): unknown {
  const paths = pathsOf(given);
  const path = paths[at % Math.max(1, paths.length)] ?? [name];
  const old = path.reduce<unknown>((inside, key) => (inside as Json | undefined)?.[key], given);
  if (how === "remove") return removed(given, path);
  if (how === "replace") return replaced(given, path, value);
  if (how === "add") {
    if (Array.isArray(old)) return replaced(given, path, [...old, value]);
    return replaced(
      given,
      path,
      typeof old === "object" && old !== null ? ownEntries([...Object.entries(old), [name, value]]) : [old, value],
    );
  }
  if (typeof old !== "string") return replaced(given, path, [old]);
  const cut = at % (old.length + 1);
  return replaced(given, path, `${old.slice(0, cut)}${name}${old.slice(cut + (at % 3))}`);
}
