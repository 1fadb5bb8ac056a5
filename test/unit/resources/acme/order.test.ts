// The classes of orders without an engine: what they register, what they compute beside it, and who waits for whom.
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it, test, vi } from "vitest";
import { dns01Value } from "../../../../provider/src/acme/client/jws";
import {
  AcmeCertificate,
  AcmeOrder,
  DnsValidatedCertificate,
  type OrderedCertificateArgs,
  type OrderingAccount,
  type ValidationRecord,
} from "../../../../provider/src/index";
import { type Registered, recordResources, resolved } from "../../../support/engine/mocks";

const engine = recordResources();
const keyPem = "-----BEGIN PRIVATE KEY-----\nof the account";
const none = () => pulumi.output(undefined);
const account = (): OrderingAccount => ({
  accountUrl: pulumi.output("https://ca.test/account/1"),
  accountKeyPem: pulumi.secret(keyPem),
  directoryUrl: pulumi.output("https://ca.test/dir"),
  rehearsalDirectoryUrl: pulumi.output("https://ca.test/staging"),
  rehearsalAccountKeyPem: pulumi.secret(keyPem),
  caBundlePem: none() as pulumi.Output<string | undefined>,
  requestTimeoutSeconds: none() as pulumi.Output<number | undefined>,
});

const challengeOf = (hostname: string) => ({
  hostname,
  isProved: false,
  dnsKeyAuthorization: `${hostname}.thumbprint`,
  http: { token: `token-${hostname}`, keyAuthorization: `token-${hostname}.thumbprint` },
});
/** Answers as the provider's process would, for an order that was just placed. */
const place = ({ type, inputs }: Registered): Record<string, unknown> => {
  if (type !== AcmeOrder.__pulumiType || !Array.isArray(inputs.hostnames)) return {};
  const hostnames = inputs.hostnames.map((name: string) => name.toLowerCase()).sort();
  return {
    hostnames,
    orderUrl: "https://ca.test/order/1",
    orderedAt: "2026-11-23T00:00:00Z",
    estimatedValidTo: "2027-02-21T00:00:00Z",
    challenges: hostnames.map(challengeOf),
  };
};
const named = (made: readonly Registered[], name: string): Registered => {
  const found = made.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not among ${made.map((one) => one.name).join(", ")}`);
  return found;
};

describe("AcmeOrder", () => {
  it("registers what an order needs of its account, its key as a secret, and nothing of its rehearsals", async () => {
    const made = await engine.of(
      () =>
        new AcmeOrder("web", { account: account(), hostnames: ["a.test"], preflight: "preview", minDaysRemaining: 20 }),
    );
    const { inputs, secrets, additionalSecretOutputs } = named(made, "web");
    expect(inputs).toMatchObject({
      name: "web",
      hostnames: ["a.test"],
      accountUrl: "https://ca.test/account/1",
      accountKeyPem: keyPem,
      directoryUrl: "https://ca.test/dir",
      preflight: { when: "preview" },
      minDaysRemaining: 20,
    });
    for (const absent of ["account", "rehearsalDirectoryUrl", "rehearsalAccountKeyPem", "__sensitive"]) {
      expect(inputs).not.toHaveProperty(absent);
    }
    expect(secrets).toEqual(["accountKeyPem"]);
    expect(additionalSecretOutputs).toEqual(["accountKeyPem", "orderKeyPem"]);
  });

  it("tells the records of each name, and what web servers are asked", async () => {
    engine.answer(place);
    let order: AcmeOrder | undefined;
    await engine.of(() => {
      order = new AcmeOrder("web", { account: account(), hostnames: ["b.test", "*.a.test", "a.test", "192.0.2.1"] });
    });
    const made = order as AcmeOrder;
    const both = ["*.a.test", "a.test"].map((name) => dns01Value(`${name}.thumbprint`)).sort();
    for (const name of ["a.test", "*.a.test", "A.test"]) {
      const record = made.dnsRecord(name);
      expect([record.name, record.type]).toEqual(["_acme-challenge.a.test", "TXT"]);
      expect(await resolved(record.values)).toEqual(both);
      expect(await resolved(record.quotedValues)).toEqual(both.map((value) => `"${value}"`));
    }
    expect(await resolved(made.dnsRecords)).toEqual([
      { name: "_acme-challenge.a.test", type: "TXT", hostnames: ["*.a.test", "a.test"], values: both },
      { name: "_acme-challenge.b.test", type: "TXT", hostnames: ["b.test"], values: [dns01Value("b.test.thumbprint")] },
    ]);
    expect(await resolved(made.httpResources)).toEqual(
      ["192.0.2.1", "a.test", "b.test"].map((host) => ({
        host,
        path: `/.well-known/acme-challenge/token-${host}`,
        body: `token-${host}.thumbprint`,
      })),
    );
    expect(() => made.dnsRecord("192.0.2.1")).toThrow("IDENTIFIER_INVALID: 192.0.2.1 is an address");
    expect(() => made.dnsRecord("ops@a.test")).toThrow("IDENTIFIER_INVALID");
    expect(await pulumi.isSecret(made.dnsRecords)).toBe(false);
  });

  it("says when it is placed anew: by its estimate, and by the certificate as soon as that is known", async () => {
    engine.answer(place);
    let order: AcmeOrder | undefined;
    await engine.of(() => {
      order = new AcmeOrder("web", { account: account(), hostnames: ["a.test"] });
    });
    expect(await resolved((order as AcmeOrder).renewAt)).toBe("2027-01-21T00:00:00Z");
    expect(await resolved((order as AcmeOrder).renewalReason)).toMatch(
      /^is placed anew from 2027-01-21 on, with 31 days/,
    );
    const dates = { validFrom: "2026-11-23T00:00:00Z", validTo: "2026-11-28T23:59:59Z" };
    engine.answer((registered) => ({ ...place(registered), ...dates }));
    await engine.of(() => {
      order = new AcmeOrder("short", { account: account(), hostnames: ["a.test"] });
    });
    expect(await resolved((order as AcmeOrder).renewAt)).toBe("2026-11-25T09:35:59Z");
  });

  it("of another stack is read by its outputs, and its records can be made", async () => {
    let order: AcmeOrder | undefined;
    const made = await engine.of(() => {
      order = AcmeOrder.get("web", "id", {
        account: account(),
        orderUrl: "https://ca.test/order/1",
        hostnames: ["a.test"],
        challenges: [challengeOf("a.test")],
        orderedAt: "2026-11-01T00:00:00Z",
        estimatedValidTo: "2027-01-29T23:59:59Z",
      });
    });
    expect(await resolved((order as AcmeOrder).renewAt)).toBe("2026-12-29T23:59:59Z");
    expect(named(made, "web")).toMatchObject({ id: "id", inputs: { orderUrl: "https://ca.test/order/1" } });
    expect(JSON.stringify(made)).not.toContain("of the account");
    expect(await resolved((order as AcmeOrder).dnsRecord("a.test").values)).toEqual([dns01Value("a.test.thumbprint")]);
    expect(AcmeOrder.isInstance(order)).toBe(true);
    expect(AcmeOrder.isInstance({})).toBe(false);
  });
});

describe("AcmeOrder in a preview", () => {
  it("knows the names of its records before anything is known, and no value", async () => {
    await pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, "p", "s", true);
    const order = new AcmeOrder("web", { account: account(), hostnames: ["*.a.test"] });
    const { name, values, quotedValues } = order.dnsRecord("*.a.test");
    expect(name).toBe("_acme-challenge.a.test");
    for (const output of [values, quotedValues, order.httpResources, order.orderUrl]) {
      expect(await isKnown(output)).toBe(false);
    }
    // what is absent for good is known to be so, and with it what depends on it
    expect(await isKnown(order.profile)).toBe(true);
    await pulumi.runtime.disconnect();
  });
});

describe("AcmeCertificate of an order", () => {
  const make = (more: Omit<OrderedCertificateArgs, "order"> = {}) => {
    const order = new AcmeOrder("web", { account: account(), hostnames: ["a.test"], profile: "shortlived" });
    return new AcmeCertificate("web", { order, ...more });
  };

  it("takes names, profile and account of the order, so that both can't differ; the key travels as a secret", async () => {
    engine.answer(place);
    const made = await engine.of(() => make({ keyType: "P384", reuseKey: true }));
    const { inputs, secrets } = made.find(({ type }) => type === AcmeCertificate.__pulumiType) as Registered;
    expect(inputs).toMatchObject({
      name: "web",
      hostnames: ["a.test"],
      profile: "shortlived",
      fromOrderUrl: "https://ca.test/order/1",
      accountUrl: "https://ca.test/account/1",
      accountKeyPem: keyPem,
      challenge: { type: "dns-01", via: "order" },
      keyType: "P384",
      reuseKey: true,
    });
    for (const absent of ["order", "account", "rehearsalDirectoryUrl", "rehearsalAccountKeyPem", "__sensitive"]) {
      expect(inputs).not.toHaveProperty(absent);
    }
    expect(secrets).toEqual(["accountKeyPem"]);
  });

  test.each<[OrderedCertificateArgs["challenge"], object]>([
    ["http-01", { type: "http-01", via: "order" }],
    [
      { type: "dns-01", propagation: false },
      { type: "dns-01", via: "order", propagation: false },
    ],
    [
      { type: "http-01", port: 8080, resolvers: ["192.0.2.53"] },
      { type: "http-01", via: "order", port: 8080, resolvers: ["192.0.2.53"] },
    ],
  ])("is proved by %j", async (challenge, expected) => {
    engine.answer(place);
    const made = await engine.of(() => make(challenge === undefined ? {} : { challenge }));
    expect(made.find(({ type }) => type === AcmeCertificate.__pulumiType)?.inputs.challenge).toEqual(expected);
  });
});

describe("DnsValidatedCertificate", () => {
  class Zone extends pulumi.CustomResource {
    constructor(name: string, record: ValidationRecord, opts: pulumi.CustomResourceOptions) {
      super("test:dns:Record", name, { recordName: record.name, type: record.type, values: record.values }, opts);
    }
  }
  const hostnames = ["www.Shop.test", "*.shop.test", "shop.test"];

  it("is an order, a record for each name of the DNS, and a certificate that waits for them all", async () => {
    engine.answer(place);
    const asked: string[] = [];
    let component: DnsValidatedCertificate | undefined;
    const made = await engine.of(() => {
      component = new DnsValidatedCertificate("web", {
        account: account(),
        hostnames,
        profile: "tlsserver",
        keyType: "P384",
        minDaysRemaining: 20,
        timeoutSeconds: 60,
        record: (name, record, opts) => {
          asked.push(`${name}: ${record.hostnames.join(" ")}`);
          return new Zone(name, record, opts);
        },
      });
    });
    expect(asked).toEqual([
      "web-_acme-challenge.shop.test: *.shop.test shop.test",
      "web-_acme-challenge.www.shop.test: www.shop.test",
    ]);
    const parent = named(made, "web-order").parent;
    expect(parent).toContain("tls-gateway:index:DnsValidatedCertificate::web");
    const children = [
      "web-order",
      "web-certificate",
      "web-_acme-challenge.shop.test",
      "web-_acme-challenge.www.shop.test",
    ];
    for (const name of children) expect(named(made, name).parent).toBe(parent);
    expect(named(made, "web-order").inputs).toMatchObject({ profile: "tlsserver", minDaysRemaining: 20 });
    expect(named(made, "web-certificate").inputs).toMatchObject({
      keyType: "P384",
      minDaysRemaining: 20,
      timeoutSeconds: 60,
      fromOrderUrl: "https://ca.test/order/1",
    });
    const waitedFor = named(made, "web-certificate").dependencies.map((urn) => urn.split("::").at(-1));
    expect(waitedFor).toEqual(
      expect.arrayContaining(["web-_acme-challenge.shop.test", "web-_acme-challenge.www.shop.test"]),
    );
    const { records, order, certificate } = component as DnsValidatedCertificate;
    expect(records).toHaveLength(2);
    expect([AcmeOrder.isInstance(order), AcmeCertificate.isInstance(certificate)]).toEqual([true, true]);
    expect(DnsValidatedCertificate.isInstance(component)).toBe(true);
    expect(DnsValidatedCertificate.isInstance(order)).toBe(false);
  });

  it("takes several resources for one record set, as providers have it that make one of each value", async () => {
    engine.answer(place);
    let component: DnsValidatedCertificate | undefined;
    await engine.of(() => {
      component = new DnsValidatedCertificate("web", {
        account: account(),
        hostnames,
        record: (name, record, opts) => record.hostnames.map((_, index) => new Zone(`${name}-${index}`, record, opts)),
      });
    });
    expect((component as DnsValidatedCertificate).records).toHaveLength(3);
  });

  test.each<[string, unknown, RegExp]>([
    [
      "an address",
      ["a.test", "192.0.2.1"],
      /^IDENTIFIER_INVALID: 192\.0\.2\.1 is an address: no record in the DNS proves it\./,
    ],
    ["what is no name", ["ops@a.test"], /^IDENTIFIER_INVALID: "ops@a\.test": "@" can't stand/],
    ["no names", undefined, /^IDENTIFIER_INVALID: hostnames: .*known in the program/],
    ["names that are an output", pulumi.output(["a.test"]), /^IDENTIFIER_INVALID: hostnames: .*known in the program/],
  ])("refuses %s before anything is registered", async (_, wrong, message) => {
    const record = vi.fn();
    const made = await engine.of(() => {
      const args = { account: account(), hostnames: wrong as readonly string[], record };
      expect(() => new DnsValidatedCertificate("web", args)).toThrow(message);
    });
    expect(made.filter(({ type }) => type === AcmeOrder.__pulumiType)).toEqual([]);
    expect(record).not.toHaveBeenCalled();
  });
});

function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown;
}
