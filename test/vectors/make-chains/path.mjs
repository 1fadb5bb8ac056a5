// Ways from the leaf to a root: missing, several, dead ends, wrong signatures.
import { damageSignature } from "../../support/openssl-pki.ts";
import { validFrom } from "./maker.mjs";

const past = new Date("2026-03-01T00:00:00Z");

export function pathCases(maker) {
  const { root, middle, leaf } = maker;
  return [
    maker.good("leaf, intermediate, root", { certificates: [leaf, middle] }),
    maker.good("leaf right below the root", { certificates: [maker.server(root)] }, ["CN=leaf"]),
    maker.bad(
      "missing intermediate",
      { certificates: [leaf] },
      "CHAIN_INCOMPLETE",
      "CN=leaf was issued by CN=Intermediate",
    ),
    maker.bad(
      "missing intermediate, the root inside",
      { certificates: [leaf, root] },
      "CHAIN_INCOMPLETE",
      "CN=leaf was issued by CN=Intermediate",
    ),
    longest(maker),
    ...missingUpper(maker),
    ...namesakes(maker),
    ...crossSigned(maker),
    ...twins(maker),
    ...loops(maker),
    ...selfSigned(maker),
    ...signatures(maker),
    ...keyIdentifiers(maker),
    ...anchors(maker),
  ];
}

/** Roots that did not sign themselves, and names that are the same in other letters. */
function anchors(maker) {
  const { root, middle, leaf } = maker;
  const shouting = maker.ca("INTERMEDIATE", { issuer: root, keyOf: middle });
  const why = "openssl takes a root that did not sign itself only with -partial_chain; browsers, Go and Java take it";
  const verdict = { openssl: "refuses", why };
  return [
    maker.good("intermediate that is trusted, and sent", { certificates: [leaf, middle], roots: [middle] }, undefined, {
      root: null,
      ...verdict,
    }),
    maker.good("intermediate that is trusted, and not sent", { certificates: [leaf], roots: [middle] }, ["CN=leaf"], {
      root: "CN=Intermediate",
      ...verdict,
    }),
    maker.good("intermediate whose name the leaf writes in other letters", {
      certificates: [maker.server(shouting), middle],
    }),
  ];
}

function longest(maker) {
  const cas = [];
  for (let level = 1; level <= 10; level++) cas.unshift(maker.ca(`CA ${level}`, { issuer: cas[0] ?? maker.root }));
  const names = cas.map((_, index) => `CN=CA ${cas.length - index}`);
  return maker.good("ten intermediates", { certificates: [maker.server(cas[0]), ...cas] }, ["CN=leaf", ...names]);
}

function missingUpper(maker) {
  const lower = maker.ca("Lower", { issuer: maker.middle });
  const deep = maker.server(lower);
  return [
    maker.bad(
      "missing upper intermediate",
      { certificates: [deep, lower] },
      "CHAIN_INCOMPLETE",
      "CN=Lower was issued by CN=Intermediate",
    ),
    maker.bad(
      "missing lower intermediate",
      { certificates: [deep, maker.middle] },
      "CHAIN_INCOMPLETE",
      "CN=leaf was issued by CN=Lower",
    ),
  ];
}

function namesakes(maker) {
  const { root, middle, leaf } = maker;
  const namesake = maker.ca("Intermediate", { issuer: root });
  const twinRoot = maker.ca("Root");
  return [
    maker.bad(
      "intermediate of the same name with another key",
      { certificates: [leaf, namesake] },
      "CHAIN_INVALID",
      "CN=leaf is not signed by the key of CN=Intermediate",
    ),
    maker.good("intermediate of the same name with another key before the right one", {
      certificates: [leaf, namesake, middle],
      privateKey: leaf.keyPem,
    }),
    maker.bad(
      "root of the same name with another key",
      { certificates: [leaf, middle], roots: [twinRoot] },
      "CHAIN_INVALID",
      "CN=Intermediate is not signed by the key of CN=Root",
    ),
    maker.good("root of the same name with another key beside the right one", {
      certificates: [leaf, middle],
      roots: [twinRoot, root],
    }),
  ];
}

/** One key of an intermediate, certified by two roots; and two roots that certify each other. */
function crossSigned(maker) {
  const { root, middle, leaf } = maker;
  const second = maker.ca("Second Root");
  const crossed = maker.ca("Intermediate", { issuer: second, keyOf: middle });
  const rootBySecond = maker.ca("Root", { issuer: second, keyOf: root });
  const secondByRoot = maker.ca("Second Root", { issuer: root, keyOf: second });
  const viaSecond = maker.ca("Via Second", { issuer: second });
  const below = maker.server(viaSecond);
  const old = maker.ca("Old Root", { to: past });
  const oldBySecond = maker.ca("Old Root", { issuer: second, keyOf: old });
  const middle2 = maker.ca("Middle", { issuer: old });
  const below2 = maker.server(middle2);
  const longer = ["CN=leaf", "CN=Intermediate", "CN=Root"];
  return [
    maker.good("intermediate by two roots, the first trusted", { certificates: [leaf, middle, crossed] }),
    maker.good(
      "intermediate by two roots, the second trusted",
      { certificates: [leaf, middle, crossed], roots: [second] },
      undefined,
      {
        root: "CN=Second Root",
        openssl: "refuses",
        why: "openssl takes the first issuer of the file and does not go back from a dead end; here all ways are tried",
      },
    ),
    maker.good(
      "intermediate by two roots, the second trusted and its certificate first",
      { certificates: [leaf, crossed, middle], roots: [second] },
      undefined,
      { root: "CN=Second Root" },
    ),
    maker.good("root certified by an older root, the new one trusted: the short way", {
      certificates: [leaf, middle, rootBySecond],
    }),
    maker.good(
      "root certified by an older root, the older one trusted: the long way",
      { certificates: [leaf, middle, rootBySecond], roots: [second] },
      longer,
      { root: "CN=Second Root" },
    ),
    maker.good(
      "expired root and its certificate by a newer root, both roots trusted: the long way",
      { certificates: [below2, middle2, oldBySecond], roots: [old, second] },
      ["CN=leaf", "CN=Middle", "CN=Old Root"],
      {
        root: "CN=Second Root",
        openssl: "refuses",
        why: "openssl takes the trusted root first, though it has expired; here the way without a fault is taken",
      },
    ),
    maker.good("two roots that certify each other, both certificates inside, the first trusted", {
      certificates: [leaf, middle, rootBySecond, secondByRoot],
      privateKey: leaf.keyPem,
    }),
    maker.good(
      "two roots that certify each other, both certificates inside, the second trusted",
      { certificates: [leaf, middle, rootBySecond, secondByRoot], roots: [second], privateKey: leaf.keyPem },
      longer,
      { root: "CN=Second Root" },
    ),
    maker.good(
      "two roots that certify each other, the way of the other leaf",
      { certificates: [below, viaSecond, secondByRoot, rootBySecond], privateKey: below.keyPem },
      ["CN=leaf", "CN=Via Second", "CN=Second Root"],
    ),
  ];
}

/** Certificates of one name and one key, of which one is no good. */
function twins(maker) {
  const { root, middle, leaf } = maker;
  const expired = maker.ca("Intermediate", { issuer: root, keyOf: middle, from: validFrom, to: past });
  const stranger = maker.ca("Stranger");
  const untrusted = maker.ca("Intermediate", { issuer: stranger, keyOf: middle });
  const noCa = maker.issue("Intermediate", {
    issuer: root,
    keyOf: middle,
    extensions: ["basicConstraints=critical,CA:FALSE"],
  });
  const early = maker.ca("Intermediate", { issuer: root, keyOf: middle, from: new Date("2027-01-01T00:00:00Z") });
  const short = maker.ca("Intermediate", { issuer: root, keyOf: middle, pathlen: 0 });
  const sha1 = maker.ca("Intermediate", { issuer: root, keyOf: middle, hash: "sha1" });
  const lower = maker.ca("Lower", { issuer: middle });
  const deep = maker.server(lower);
  const why = "openssl takes the first issuer that fits and does not go back from a dead end; here all ways are tried";
  return [
    maker.good("expired twin of the intermediate before it", { certificates: [leaf, expired, middle] }),
    maker.good("expired twin of the intermediate after it", { certificates: [leaf, middle, expired] }),
    maker.bad(
      "expired twin of the intermediate alone",
      { certificates: [leaf, expired] },
      "CERTIFICATE_EXPIRED",
      "CN=Intermediate expired",
    ),
    maker.good("untrusted twin of the intermediate before it", { certificates: [leaf, untrusted, middle] }, undefined, {
      openssl: "refuses",
      why,
    }),
    maker.good("untrusted twin of the intermediate after it", { certificates: [leaf, middle, untrusted] }),
    maker.good(
      "untrusted twin with its root before the right intermediate",
      { certificates: [stranger, untrusted, leaf, middle] },
      undefined,
      { openssl: "refuses", why },
    ),
    maker.bad(
      "untrusted twin of the intermediate alone, with its root",
      { certificates: [leaf, untrusted, stranger] },
      "CHAIN_INVALID",
      "CN=Stranger signed itself and is not among the trusted roots",
    ),
    maker.good("twin of the intermediate that is no CA before it", { certificates: [leaf, noCa, middle] }, undefined, {
      openssl: "refuses",
      why,
    }),
    maker.good("twin of the intermediate that is not yet valid before it", { certificates: [leaf, early, middle] }),
    maker.good(
      "twin of the upper intermediate whose path length is too short before it",
      { certificates: [deep, lower, short, middle] },
      ["CN=leaf", "CN=Lower", "CN=Intermediate"],
      { openssl: "refuses", why },
    ),
    maker.good("twin of the intermediate that is signed with SHA-1 before it", { certificates: [leaf, sha1, middle] }),
    maker.good(
      "untrusted twin two levels up before the right one",
      { certificates: [deep, lower, untrusted, middle] },
      ["CN=leaf", "CN=Lower", "CN=Intermediate"],
      { openssl: "refuses", why },
    ),
  ];
}

/** Two CAs that certify each other, with no root of their own; one way may lead out. */
function loops(maker) {
  const { root } = maker;
  const [first, second] = [maker.ca("First"), maker.ca("Second")];
  const firstBySecond = maker.ca("First", { issuer: second, keyOf: first });
  const secondByFirst = maker.ca("Second", { issuer: first, keyOf: second });
  const firstByRoot = maker.ca("First", { issuer: root, keyOf: first });
  const secondByRoot = maker.ca("Second", { issuer: root, keyOf: second });
  const leaf = maker.server(first);
  const all = (...more) => ({ certificates: [leaf, firstBySecond, secondByFirst, ...more], privateKey: leaf.keyPem });
  return [
    maker.bad("loop of two CAs that certify each other, no way out", all(), "CHAIN_INCOMPLETE", "CN=Second"),
    maker.good("loop of two CAs, the nearer one also certified by the root", all(firstByRoot), ["CN=leaf", "CN=First"]),
    maker.good(
      "loop of two CAs, the farther one also certified by the root",
      all(secondByRoot),
      ["CN=leaf", "CN=First", "CN=Second"],
      { openssl: "refuses", why: "openssl takes the first issuer that fits, which leads into the loop" },
    ),
  ];
}

function selfSigned(maker) {
  const { root, middle, leaf } = maker;
  const alone = maker.server(undefined);
  const homonym = maker.ca("leaf");
  const ca = maker.issue("leaf", {
    extensions: [
      "basicConstraints=critical,CA:TRUE",
      "keyUsage=critical,digitalSignature,keyCertSign",
      "subjectAltName=DNS:leaf.example.com",
    ],
  });
  return [
    maker.good("self-signed leaf that is trusted", { certificates: [alone], roots: [alone] }, ["CN=leaf"], {
      root: null,
    }),
    maker.bad(
      "self-signed leaf that is not trusted",
      { certificates: [alone] },
      "CHAIN_INVALID",
      "CN=leaf signed itself and is not among",
    ),
    maker.good("self-signed leaf, no roots given", { certificates: [alone], roots: null }, ["CN=leaf"], {
      root: null,
      openssl: "can't judge: it trusts nothing without roots",
    }),
    maker.good(
      "leaf of the same name as the root that signed it",
      { certificates: [maker.server(homonym)], roots: [homonym] },
      ["CN=leaf"],
      { root: "CN=leaf" },
    ),
    maker.good("self-signed CA as its own server, trusted", { certificates: [ca], roots: [ca] }, ["CN=leaf"], {
      root: null,
    }),
    maker.bad(
      "chain to a root that is inside but not trusted",
      { certificates: [leaf, middle, root], roots: [maker.ca("Stranger")] },
      "CHAIN_INVALID",
      "CN=Root signed itself and is not among the trusted roots",
    ),
  ];
}

function signatures(maker) {
  const { root, middle, leaf } = maker;
  return [
    maker.bad(
      "damaged signature of the leaf",
      { certificates: damageSignature(leaf.pem) + middle.pem, privateKey: leaf.keyPem },
      "CHAIN_INVALID",
      "CN=leaf is not signed by the key of CN=Intermediate",
    ),
    maker.bad(
      "damaged signature of the intermediate",
      { certificates: leaf.pem + damageSignature(middle.pem) },
      "CHAIN_INVALID",
      "CN=Intermediate is not signed by the key of CN=Root",
    ),
    maker.good("damaged signature of the root, which nobody relies on", {
      certificates: [leaf, middle],
      roots: damageSignature(root.pem),
    }),
  ];
}

function keyIdentifiers(maker) {
  const { root } = maker;
  const shown = maker.ca("Intermediate", { issuer: root, more: ["subjectKeyIdentifier=01020304"] });
  const unlike = maker.ca("Intermediate", { issuer: root, keyOf: shown });
  const leaf = maker.server(shown);
  return [
    maker.good("authority key identifier that is not a hash of the key", { certificates: [leaf, shown] }),
    maker.bad(
      "authority key identifier of another certificate than the one that is here",
      { certificates: [leaf, unlike] },
      "CHAIN_INVALID",
      "CN=Intermediate has the subject key identifier",
    ),
    maker.good("authority key identifier, two intermediates of the key and one fits", {
      certificates: [leaf, unlike, shown],
    }),
  ];
}
