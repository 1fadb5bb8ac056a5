import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWithPeer } from "../../support/peer";
import { judgeByOpenssl, judgeByUs, type Scenario } from "../../support/x509/chain-verdicts";
import {
  caExtensions,
  damageSignature,
  day,
  type IssuedPair,
  leafExtensions,
  OpensslPki,
  type PairOptions,
} from "../../support/x509/openssl-pki";

const names = "DNS:a.example.com,IP:10.0.0.1";
const inDays = (days: number) => new Date(Date.now() + days * day);

describeWithPeer("openssl", (peer) => {
  const pki = new OpensslPki();
  afterAll(() => pki.remove());

  let root: IssuedPair;
  let stranger: IssuedPair;
  beforeAll(() => {
    root = pki.issue("Root", { extensions: caExtensions() });
    stranger = pki.issue("Stranger", { extensions: caExtensions() });
  });

  const ca = (issuer: IssuedPair, options: PairOptions = {}, name = "Intermediate") =>
    pki.issue(name, { issuer, extensions: caExtensions(), ...options });
  const server = (issuer: IssuedPair, options: PairOptions = {}) =>
    pki.issue("Leaf", { issuer, extensions: leafExtensions(names), ...options });

  const scenarios: readonly (readonly [name: string, make: () => Scenario])[] = [
    ["leaf below a root", () => ({ leaf: server(root), others: [], roots: [root] })],
    [
      "leaf, two intermediates, root",
      () => {
        const upper = ca(root);
        const lower = ca(upper, { extensions: caExtensions(0) }, "Lower");
        return { leaf: server(lower), others: [upper, lower], roots: [stranger, root] };
      },
    ],
    [
      "self-signed certificate that is trusted",
      () => {
        const leaf = pki.issue("Alone", { extensions: [...caExtensions(), `subjectAltName=${names}`] });
        return { leaf, others: [], roots: [leaf], reason: "key usage" };
      },
    ],
    [
      "self-signed certificate that is not trusted",
      () => ({
        leaf: pki.issue("Alone", { extensions: leafExtensions(names) }),
        others: [],
        roots: [root],
        reason: "signed itself",
      }),
    ],
    [
      "missing intermediate",
      () => ({ leaf: server(ca(root)), others: [], roots: [root], reason: "whose certificate is not here" }),
    ],
    [
      "missing upper intermediate",
      () => {
        const lower = ca(ca(root), {}, "Lower");
        return {
          leaf: server(lower),
          others: [lower],
          roots: [root],
          reason: "CN=Lower was issued by CN=Intermediate",
        };
      },
    ],
    [
      "root that is sent but not trusted",
      () => {
        const middle = ca(stranger);
        return { leaf: server(middle), others: [middle, stranger], roots: [root], reason: "CN=Stranger signed itself" };
      },
    ],
    [
      "path length of an intermediate exceeded",
      () => {
        const upper = ca(root, { extensions: caExtensions(0) });
        const lower = ca(upper, {}, "Lower");
        return { leaf: server(lower), others: [upper, lower], roots: [root], reason: "CN=Intermediate allows 0 CA" };
      },
    ],
    [
      "path length of the root exceeded",
      () => {
        const short = pki.issue("Short", { extensions: caExtensions(0) });
        const middle = ca(short);
        return { leaf: server(middle), others: [middle], roots: [short], reason: "CN=Short allows 0 CA" };
      },
    ],
    [
      "path length reached, a self-issued certificate not counted",
      () => {
        const upper = ca(root, { extensions: caExtensions(1) });
        const lower = ca(upper, {}, "Lower");
        const rolled = ca(lower, {}, "Lower");
        return { leaf: server(rolled), others: [upper, lower, rolled], roots: [root] };
      },
    ],
    [
      "intermediate with CA:FALSE",
      () => {
        const middle = ca(root, { extensions: ["basicConstraints=critical,CA:FALSE"] });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "is not a CA" };
      },
    ],
    [
      "intermediate without basic constraints",
      () => {
        const middle = ca(root, { extensions: [] });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "is not a CA" };
      },
    ],
    [
      "intermediate without keyCertSign",
      () => {
        const middle = ca(root, { extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,cRLSign"] });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "without keyCertSign" };
      },
    ],
    ...nameConstraints(),
    [
      "leaf for clients only",
      () => {
        const extensions = leafExtensions(names).map((line) => line.replace("serverAuth", "clientAuth"));
        return { leaf: server(root, { extensions }), others: [], roots: [root], reason: "is for clientAuth" };
      },
    ],
    [
      "intermediate for clients only",
      () => {
        const middle = ca(root, { extensions: [...caExtensions(), "extendedKeyUsage=clientAuth"] });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "CN=Intermediate is for clientAuth" };
      },
    ],
    [
      "intermediate for servers and clients",
      () => {
        const middle = ca(root, { extensions: [...caExtensions(), "extendedKeyUsage=serverAuth,clientAuth"] });
        return { leaf: server(middle), others: [middle], roots: [root] };
      },
    ],
    [
      "leaf whose key may only sign certificates",
      () => {
        const extensions = leafExtensions(names).map((line) => line.replace("digitalSignature", "nonRepudiation"));
        return {
          leaf: server(root, { extensions }),
          others: [],
          roots: [root],
          reason: "has the key usage nonRepudiation",
        };
      },
    ],
    [
      "expired leaf",
      () => ({
        leaf: server(root, { to: inDays(10) }),
        others: [],
        roots: [root],
        at: inDays(11),
        reason: "CN=Leaf expired",
      }),
    ],
    [
      "leaf not yet valid",
      () => ({
        leaf: server(root, { from: inDays(5) }),
        others: [],
        roots: [root],
        reason: "CN=Leaf is not valid before",
      }),
    ],
    [
      "expired intermediate",
      () => {
        const middle = ca(root, { to: inDays(10) });
        return {
          leaf: server(middle),
          others: [middle],
          roots: [root],
          at: inDays(11),
          reason: "CN=Intermediate expired",
        };
      },
    ],
    [
      "intermediate not yet valid",
      () => {
        const middle = ca(root, { from: inDays(5) });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "CN=Intermediate is not valid before" };
      },
    ],
    [
      "expired root",
      () => ({
        leaf: server(root, { to: inDays(300) }),
        others: [],
        roots: [root],
        at: inDays(200),
        reason: "CN=Root expired",
      }),
    ],
    ["second in which the validity ends", () => ({ ...atSecond("to", 0), reason: "CN=Leaf expired" })],
    ["second before the validity ends", () => atSecond("to", -1)],
    ["second in which the validity begins", () => atSecond("from", 0)],
    ["second before the validity begins", () => ({ ...atSecond("from", -1), reason: "CN=Leaf is not valid before" })],
    [
      "bad signature of the leaf",
      () => {
        const leaf = server(root);
        const pem = damageSignature(leaf.pem);
        return {
          leaf: { ...leaf, pem, file: pki.write("damaged.pem", pem) },
          others: [],
          roots: [root],
          reason: "is not signed by the key",
        };
      },
    ],
    [
      "bad signature of the intermediate",
      () => {
        const middle = ca(root);
        const damaged = { ...middle, pem: damageSignature(middle.pem) };
        return {
          leaf: server(middle),
          others: [damaged],
          roots: [root],
          reason: "CN=Intermediate is not signed by the key",
        };
      },
    ],
    [
      "intermediate of the same name with another key",
      () => {
        const [right, other] = [ca(root), ca(root)];
        return {
          leaf: server(right),
          others: [other],
          roots: [root],
          reason: "CN=Leaf is not signed by the key of CN=Intermediate",
        };
      },
    ],
    [
      "right intermediate beside one of the same name",
      () => {
        const [right, other] = [ca(root), ca(root)];
        return { leaf: server(right), others: [other, right], roots: [root] };
      },
    ],
    [
      "root of the same name with another key",
      () => {
        const twin = pki.issue("Root", { extensions: caExtensions() });
        return { leaf: server(root), others: [], roots: [twin], reason: "CN=Leaf is not signed by the key of CN=Root" };
      },
    ],
    [
      "unknown critical extension of the leaf",
      () => {
        const extensions = [...leafExtensions(names), "1.2.3.4.5=critical,DER:0500"];
        return { leaf: server(root, { extensions }), others: [], roots: [root], reason: "1.2.3.4.5" };
      },
    ],
    [
      "unknown critical extension of an intermediate",
      () => {
        const middle = ca(root, { extensions: [...caExtensions(), "1.2.3.4.5=critical,DER:0500"] });
        return { leaf: server(middle), others: [middle], roots: [root], reason: "CN=Intermediate has critical" };
      },
    ],
    [
      "unknown extension that is not critical",
      () => ({
        leaf: server(root, { extensions: [...leafExtensions(names), "1.2.3.4.5=DER:0500"] }),
        others: [],
        roots: [root],
      }),
    ],
    [
      "expired twin of a good intermediate",
      () => {
        const old = ca(root, { to: inDays(1) });
        const fresh = ca(root, { keyOf: old });
        return { leaf: server(old), others: [old, fresh], roots: [root], at: inDays(2) };
      },
    ],
    [
      "cross-signed intermediate with one trusted way",
      () => {
        const untrusted = pki.issue("Untrusted", { extensions: caExtensions() });
        const crossed = ca(untrusted);
        const middle = ca(root, { keyOf: crossed });
        return { leaf: server(crossed), others: [middle, crossed], roots: [root] };
      },
    ],
    [
      "authority key identifier of another key",
      () => {
        // the same name and key, but a made-up identifier that the leaf asks for
        const shown = ca(root, { extensions: [...caExtensions(), "subjectKeyIdentifier=01020304"] });
        const twin = ca(root, { keyOf: shown });
        return { leaf: server(shown), others: [twin], roots: [root], reason: "has the subject key identifier" };
      },
    ],
    ...[
      "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
      "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
      "-algorithm ED25519",
    ].map(
      (key) =>
        [
          `keys of openssl genpkey ${key}`,
          () => {
            const hash = key.includes("ED25519") ? "null" : "sha384";
            const top = pki.issue("Top", { key, hash, extensions: caExtensions() });
            const middle = ca(top, { key, hash });
            return { leaf: server(middle, { key, hash }), others: [middle], roots: [top] };
          },
        ] as const,
    ),
  ];

  /** The verdict some seconds after an end of the leaf's validity. */
  function atSecond(end: "from" | "to", seconds: number): Scenario {
    const date = new Date(Math.floor(inDays(10).getTime() / 1000) * 1000);
    const at = new Date(date.getTime() + seconds * 1000);
    return { leaf: server(root, { [end]: date }), others: [], roots: [root], at };
  }

  function nameConstraints(): readonly (readonly [string, () => Scenario])[] {
    const constrain = (constraint: string, isCritical = true) => [
      ...caExtensions(),
      `nameConstraints=${isCritical ? "critical," : ""}${constraint}`,
    ];
    const below =
      (constraint: string, alternativeNames: string, reason?: string, isRoot = false) =>
      (): Scenario => {
        const top = isRoot ? pki.issue("Top", { extensions: constrain(constraint) }) : root;
        const middle = ca(top, isRoot ? {} : { extensions: constrain(constraint) });
        const leaf = server(middle, { extensions: leafExtensions(alternativeNames) });
        return { leaf, others: [middle], roots: [top], ...(reason === undefined ? {} : { reason }) };
      };
    return [
      ["names inside the permitted domain", below("permitted;DNS:example.com", "DNS:a.example.com,DNS:example.com")],
      [
        "name outside the permitted domain",
        below("permitted;DNS:example.com", "DNS:a.example.org", "is outside the permitted"),
      ],
      [
        "name that only ends like the permitted domain",
        below("permitted;DNS:example.com", "DNS:badexample.com", "is outside"),
      ],
      [
        "name inside the excluded domain",
        below("excluded;DNS:example.com", "DNS:a.example.com", "is inside the excluded"),
      ],
      ["name beside the excluded domain", below("excluded;DNS:example.com", "DNS:a.example.org")],
      ["wildcard inside the permitted domain", below("permitted;DNS:example.com", "DNS:*.example.com")],
      ["address inside the permitted range", below("permitted;IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3")],
      ["address outside the permitted range", below("permitted;IP:10.0.0.0/255.0.0.0", "IP:11.1.2.3", "is outside")],
      ["address inside the excluded range", below("excluded;IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3", "is inside")],
      ["name where only addresses are constrained", below("permitted;IP:10.0.0.0/255.0.0.0", "DNS:a.example.com")],
      [
        "name against the root's permitted domain",
        below("permitted;DNS:example.com", "DNS:a.example.org", "is outside", true),
      ],
      [
        "name inside the root's permitted domain",
        below("permitted;DNS:example.com", "DNS:a.example.com", undefined, true),
      ],
    ];
  }

  describe("readChain gives the verdict of `openssl verify -x509_strict`", () => {
    it.each(scenarios)("%s", (_, make) => {
      const scenario = make();
      const verdict = judgeByOpenssl(peer, pki, scenario);
      const errors = judgeByUs(scenario);
      const reasons = errors.map((error) => error.reason);
      expect({ accepts: errors.length === 0, reasons }, verdict.said).toEqual({ accepts: verdict.accepts, reasons });
      expect(verdict.accepts).toBe(scenario.reason === undefined);
      if (scenario.reason !== undefined) expect(reasons[0]).toContain(scenario.reason);
    });
  });
});
