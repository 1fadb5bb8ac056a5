// What is in the text, in which order.
export function orderCases(maker) {
  const { root, middle, leaf } = maker;
  const lower = maker.ca("Lower", { issuer: middle });
  const deep = maker.server(lower);
  const other = maker.server(middle, { name: "other", names: "DNS:other.example.com" });
  const renewed = maker.server(middle, { keyOf: leaf });
  const stranger = maker.ca("Stranger");
  const strangers = maker.ca("Stranger's CA", { issuer: stranger });
  const ca = maker.issue("leaf", {
    issuer: middle,
    extensions: [
      "basicConstraints=critical,CA:TRUE",
      "keyUsage=critical,digitalSignature,keyCertSign",
      "subjectAltName=DNS:a.example.com",
    ],
  });
  const long = ["CN=leaf", "CN=Lower", "CN=Intermediate"];
  const isTold = { openssl: "can't judge: it is told which certificate is the server's" };

  return [
    maker.good("leaf last", { certificates: [middle, leaf] }),
    maker.good("leaf and two intermediates, in the order of sending", { certificates: [deep, lower, middle] }, long),
    maker.good("leaf and two intermediates, from the top down", { certificates: [middle, lower, deep] }, long),
    maker.good("leaf and two intermediates, shuffled", { certificates: [lower, deep, middle] }, long),
    maker.good("root inside the text: not sent", { certificates: [leaf, middle, root] }),
    maker.good("root first, then the chain from the top down", { certificates: [root, middle, lower, deep] }, long),
    maker.good("root inside the text, no roots given", { certificates: [root, leaf, middle], roots: null }, undefined, {
      openssl: "can't judge: it trusts nothing without roots",
    }),
    maker.good(
      "duplicates of all, shuffled",
      { certificates: [middle, deep, lower, deep, middle, lower, root, root] },
      long,
    ),
    maker.good("two leaves, the key belongs to the first", {
      certificates: [leaf, other, middle],
      privateKey: leaf.keyPem,
    }),
    maker.good(
      "two leaves, the key belongs to the second",
      { certificates: [leaf, other, middle], privateKey: other.keyPem },
      ["CN=other", "CN=Intermediate"],
    ),
    maker.good(
      "intermediate of another chain beside it: left out",
      { certificates: [strangers, leaf, middle] },
      undefined,
      {
        warnings: ["CHAIN_INVALID"],
        ...isTold,
      },
    ),
    maker.good(
      "intermediate of another chain beside it, the key given: left out",
      { certificates: [strangers, leaf, middle], privateKey: leaf.keyPem },
      undefined,
      { warnings: ["CHAIN_INVALID"] },
    ),
    maker.good("root of another chain beside it: left out", { certificates: [stranger, leaf, middle] }),
    maker.good(
      "leaf of another site beside it, the key given: left out",
      { certificates: [other, leaf, middle], privateKey: leaf.keyPem },
      undefined,
      { warnings: ["CHAIN_INVALID"] },
    ),
    maker.good("leaf that is a CA too, by its key", { certificates: [middle, ca], privateKey: ca.keyPem }),

    maker.bad(
      "leaf that is a CA too, no key",
      { certificates: [middle, ca] },
      "CHAIN_INCOMPLETE",
      "only CA certificates (the lowest is CN=leaf)",
      isTold,
    ),
    maker.bad(
      "two leaves, no key",
      { certificates: [leaf, other, middle] },
      "CHAIN_INVALID",
      "2 certificates issued no other",
      isTold,
    ),
    maker.bad(
      "certificate and its renewal, both of the key",
      { certificates: [leaf, renewed, middle], privateKey: leaf.keyPem },
      "CHAIN_INVALID",
      "2 certificates belong to the private key",
      isTold,
    ),
    maker.bad(
      "no leaf: an intermediate alone",
      { certificates: [middle] },
      "CHAIN_INCOMPLETE",
      "only CA certificates",
      isTold,
    ),
    maker.bad(
      "no leaf: two intermediates and their root",
      { certificates: [middle, lower, root] },
      "CHAIN_INCOMPLETE",
      "the lowest is CN=Lower",
      isTold,
    ),
    maker.bad(
      "leaf and intermediate of another chain",
      { certificates: [leaf, strangers] },
      "CHAIN_INCOMPLETE",
      "CN=leaf was issued by CN=Intermediate",
    ),
  ];
}
