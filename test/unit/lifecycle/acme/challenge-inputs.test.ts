// What each kind of challenge may be given, and how it is told from others.
import { describe, expect, it, test } from "vitest";
import { acmeCertificate } from "../../../../provider/src/lifecycle/acme/certificate";
import {
  describeChallenge,
  type GivenChallenge,
  readChallenge,
} from "../../../../provider/src/lifecycle/acme/challenge-inputs";
import { type Properties, UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, refused } from "../../../support/engine/lifecycle";

const account = {
  accountUrl: "https://ca.test/account/1",
  accountKeyPem: "-----BEGIN PRIVATE KEY-----\n…",
  directoryUrl: "https://ca.test/dir",
};
const base = { ...account, name: "shop", hostnames: ["shop.example.com"] };
const fromOrder = { fromOrderUrl: "https://ca.test/order/1" };
const resolvers = ["192.0.2.53", "[2001:db8::53]:5353"];

type Challenge = GivenChallenge["challenge"];

describe("a challenge", () => {
  test.each<[string, Challenge]>([
    ["http-01 (the gateway)", { type: "http-01", via: "gateway", port: 8080, resolvers }],
    ["http-01 (/var/www)", { type: "http-01", webroot: "/var/www" }],
    ["http-01 (a listener)", { type: "http-01", port: 8080, address: "::1" }],
    ["tls-alpn-01 (a listener)", { type: "tls-alpn-01", port: 8443 }],
    ["dns-01 (/bin/hook)", { type: "dns-01", command: ["/bin/hook", "-v"], propagation: { resolvers } }],
    ["dns-persist-01 (standing records)", { type: "dns-persist-01", propagation: { timeoutSeconds: 60 } }],
    ["dns-persist-01 (standing records)", { type: "dns-persist-01", propagation: false }],
    ["what stands", { type: "auto" }],
    ["what stands", { type: "auto", port: 8080, resolvers, propagation: false, dns: { command: "/bin/hook" } }],
  ])("%s is taken as it was given, and told so", (words, challenge) => {
    expect(checked(acmeCertificate, { ...base, challenge }).challenge).toEqual(challenge);
    expect(describeChallenge(challenge)).toBe(words);
  });

  test.each<[string, Challenge]>([
    ["dns-01 (its order)", { type: "dns-01", via: "order", propagation: { authoritative: false } }],
    ["http-01 (its order)", { type: "http-01", via: "order", port: 8080, resolvers }],
  ])("%s belongs to an order", (words, challenge) => {
    expect(checked(acmeCertificate, { ...base, ...fromOrder, challenge }).challenge).toEqual(challenge);
    expect(describeChallenge(challenge)).toBe(words);
    expect(refused(acmeCertificate, { ...base, challenge })).toEqual([
      'challenge: has via: "order", and there is no order. Hint: give order, and as challenge dns-01 or http-01.',
    ]);
  });

  it("of an order is checked before the order is known, and while the challenge is unknown", () => {
    const challenge = { type: "dns-01", via: "order" };
    const later = { ...base, fromOrderUrl: UNKNOWN };
    expect(checked(acmeCertificate, { ...later, challenge }).fromOrderUrl).toBe(UNKNOWN);
    expect(checked(acmeCertificate, { ...later, challenge: UNKNOWN }).challenge).toBe(UNKNOWN);
  });

  it("gets the environment of its command, which travels apart, and no other kind does", () => {
    const challengeEnvironment = '{"TOKEN":"secret"}';
    const environment = { TOKEN: "secret" };
    const dns = { command: "/bin/hook" };
    const read = (challenge: Challenge) => readChallenge({ challenge, challengeEnvironment });
    expect(read({ type: "dns-01", ...dns })).toEqual({ type: "dns-01", ...dns, environment });
    expect(read({ type: "auto", dns })).toEqual({ type: "auto", dns: { ...dns, environment } });
    const others: readonly Challenge[] = [
      { type: "auto" },
      { type: "dns-01", via: "order" },
      { type: "http-01", via: "gateway" },
    ];
    for (const other of others) {
      expect(read(other)).toEqual(other);
    }
  });
});

describe("bad input gets one failure that begins with its property", () => {
  test.each<[string, unknown, string]>([
    [
      "another kind",
      { type: "auot" },
      'challenge.type: found "auot", expected an object whose type is "http-01", "tls-alpn-01", "dns-01", "dns-persist-01" or "auto".',
    ],
    ["no kind", { via: "gateway" }, "challenge.type: is missing, expected an object whose type is"],
    ["a text", "auto", "challenge: found a text, expected an object whose type is"],
    [
      "another way",
      { type: "http-01", via: "gatway" },
      'challenge.via: found "gatway", expected via: "gateway", or no via.',
    ],
    [
      "a way that is not its own",
      { type: "dns-01", via: "gateway" },
      'challenge.via: found "gateway", expected no via',
    ],
    ["two ways", { type: "http-01", via: "gateway", webroot: "/srv" }, "challenge.webroot: there is no such property"],
    [
      "a port that is none",
      { type: "http-01", via: "gateway", port: 0 },
      "challenge.port: found 0, expected 1 to 65535.",
    ],
    ["no resolver", { type: "http-01", via: "gateway", resolvers: [] }, "challenge.resolvers: is empty."],
    [
      "a program for what stands",
      { type: "dns-persist-01", command: "x" },
      "challenge.command: there is no such property",
    ],
    [
      "no patience",
      { type: "dns-persist-01", propagation: { timeoutSeconds: 0 } },
      "challenge.propagation.timeoutSeconds: found 0 seconds, expected at least 1.",
    ],
    ["a last resort that is none", { type: "auto", dns: {} }, "challenge.dns.command: is missing, expected a program"],
    [
      "a last resort as a text",
      { type: "auto", dns: "x" },
      "challenge.dns: found a text, expected an object with a command.",
    ],
    [
      "an order as the last resort",
      { type: "auto", dns: { command: "x", via: "order" } },
      "challenge.dns.via: there is no such property, expected an object with a command.",
    ],
    ["a folder for what stands", { type: "auto", webroot: "/srv" }, "challenge.webroot: there is no such property"],
  ])("%s", (_, challenge, failure) => {
    const failures = refused(acmeCertificate, { ...base, challenge });
    expect(failures).toHaveLength(1);
    expect(failures[0]?.startsWith(failure), failures[0]).toBe(true);
  });

  test.each<[string, Properties, string]>([
    [
      "a program beside an order",
      { challenge: { type: "dns-01", command: "x" } },
      "challenge: is no challenge that an order's outputs answer. Hint: give order, and as challenge dns-01 or http-01.",
    ],
    [
      "what stands beside an order",
      { challenge: { type: "auto" } },
      "challenge: is no challenge that an order's outputs",
    ],
    [
      "a program of an order",
      { challenge: { type: "dns-01", via: "order", command: "x" } },
      "challenge.command: there is no such property",
    ],
    [
      "propagation that is none",
      { challenge: { type: "dns-01", via: "order", propagation: true } },
      "challenge.propagation: found true, expected false or an object such as",
    ],
    [
      "a wildcard by an order's http resources",
      { challenge: { type: "http-01", via: "order" }, hostnames: ["*.a.example", "a.example"] },
      "hostnames[0]: *.a.example can't be proved by http-01: a wildcard can be proved by dns-01 or dns-persist-01 alone.",
    ],
  ])("%s", (_, change, failure) => {
    const failures = refused(acmeCertificate, { ...base, ...fromOrder, ...change });
    expect(failures).toHaveLength(1);
    expect(failures[0]?.startsWith(failure), failures[0]).toBe(true);
  });

  it("a name that a kind can't prove, where no other of its kinds can", () => {
    const persist = { ...base, challenge: { type: "dns-persist-01" }, hostnames: ["192.0.2.1", "a.example"] };
    expect(refused(acmeCertificate, persist)).toEqual([
      expect.stringMatching(
        /^hostnames\[0\]: 192\.0\.2\.1 can't be proved by dns-persist-01: an IP address can be proved/,
      ),
    ]);
    const gateway = { ...base, challenge: { type: "http-01", via: "gateway" }, hostnames: ["*.a.example"] };
    expect(refused(acmeCertificate, gateway)).toEqual([
      expect.stringMatching(/^hostnames\[0\]: \*\.a\.example can't be/),
    ]);
    const hostnames = ["*.a.example", "192.0.2.1"];
    expect(refused(acmeCertificate, { ...base, hostnames, challenge: { type: "auto" } })).toEqual([]);
    const both = { ...base, ...fromOrder, hostnames, challenge: { type: "dns-01", via: "order" } };
    expect(refused(acmeCertificate, both)).toEqual([]);
  });
});
