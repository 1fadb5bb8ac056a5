// Whether those above the leaf may issue: CA flag, key usage, path length.
const noCa = "is not a CA";
const strict = (rule) =>
  `openssl -x509_strict wants ${rule} (RFC 5280 section 4.2.1); browsers and openssl without the flag don't`;

export function caCases(maker) {
  const { root } = maker;
  const below = (extensions) => {
    const middle = maker.issue("Intermediate", { issuer: root, extensions });
    return { certificates: [maker.server(middle), middle] };
  };
  /** A leaf below CAs with these path lengths, from the root downwards; the first is the root. */
  function depths(first, ...lengths) {
    const top = maker.ca("Root", { pathlen: first });
    const cas = [];
    for (const [index, pathlen] of lengths.entries()) {
      cas.unshift(maker.ca(`CA ${index + 1}`, { issuer: cas[0] ?? top, pathlen }));
    }
    return { certificates: [maker.server(cas[0] ?? top), ...cas], roots: [top] };
  }
  const names = (count) => ["CN=leaf", ...Array.from({ length: count }, (_, index) => `CN=CA ${count - index}`)];
  const server = maker.server(root, { name: "Intermediate" });

  return [
    maker.bad("issuer with CA:FALSE", below(["basicConstraints=critical,CA:FALSE"]), "CHAIN_INVALID", noCa),
    maker.bad("issuer without basic constraints", below([]), "CHAIN_INVALID", noCa),
    maker.bad(
      "issuer without basic constraints but with keyCertSign",
      below(["keyUsage=critical,keyCertSign"]),
      "CHAIN_INVALID",
      noCa,
    ),
    maker.bad(
      "certificate of a server as issuer",
      { certificates: [maker.server(server), server] },
      "CHAIN_INVALID",
      noCa,
    ),
    maker.bad(
      "issuer without keyCertSign",
      below(["basicConstraints=critical,CA:TRUE", "keyUsage=critical,cRLSign"]),
      "CHAIN_INVALID",
      "without keyCertSign",
    ),
    maker.good("issuer without key usage", below(["basicConstraints=critical,CA:TRUE"]), undefined, {
      openssl: "refuses",
      why: strict("the key usage of a CA"),
    }),
    maker.good(
      "issuer whose basic constraints are not critical",
      below(["basicConstraints=CA:TRUE", "keyUsage=critical,keyCertSign"]),
      undefined,
      { openssl: "refuses", why: strict("the basic constraints of a CA critical") },
    ),
    maker.bad(
      "root with CA:FALSE",
      rootOf(maker, ["basicConstraints=critical,CA:FALSE"]),
      "CHAIN_INVALID",
      "CN=Root issued a certificate but is not a CA",
    ),
    maker.bad(
      "root without keyCertSign",
      rootOf(maker, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,cRLSign"]),
      "CHAIN_INVALID",
      "CN=Root issued a certificate but its key usage is cRLSign",
    ),
    maker.good("path length of an intermediate reached", depths(undefined, 1, 0), names(2)),
    maker.bad(
      "path length of an intermediate exceeded by one",
      depths(undefined, 0, undefined),
      "CHAIN_INVALID",
      "CN=CA 1 allows 0 CA certificates below itself (path length), here are 1",
    ),
    maker.bad(
      "path length of an intermediate exceeded two levels down",
      depths(undefined, 1, undefined, undefined),
      "CHAIN_INVALID",
      "CN=CA 1 allows 1 CA certificates below itself (path length), here are 2",
    ),
    maker.good("path length of the root reached", depths(1, 0), names(1)),
    maker.good("path length 0 of the root, leaf right below it", depths(0), names(0)),
    maker.bad(
      "path length of the root exceeded",
      depths(0, undefined),
      "CHAIN_INVALID",
      "CN=Root allows 0 CA certificates below itself (path length), here are 1",
    ),
    ...selfIssued(maker),
  ];
}

function rootOf(maker, extensions) {
  const root = maker.issue("Root", { extensions });
  return { certificates: [maker.server(root)], roots: [root] };
}

/** A CA's change of key: its new key certified by its old one, under its own name (RFC 5280 section 3.2). */
function selfIssued(maker) {
  const upper = maker.ca("Upper", { issuer: maker.root, pathlen: 1 });
  const lower = maker.ca("Lower", { issuer: upper });
  const rolled = maker.ca("Lower", { issuer: lower });
  const lowest = maker.ca("Lowest", { issuer: rolled });
  const deep = maker.server(lowest);
  return [
    maker.good(
      "path length reached, a self-issued certificate not counted",
      { certificates: [maker.server(rolled), rolled, lower, upper] },
      ["CN=leaf", "CN=Lower", "CN=Lower", "CN=Upper"],
    ),
    maker.bad(
      "path length exceeded beside a self-issued certificate",
      { certificates: [deep, lowest, rolled, lower, upper], privateKey: deep.keyPem },
      "CHAIN_INVALID",
      "CN=Upper allows 1 CA certificates below itself (path length), here are 2",
    ),
  ];
}
