// Host names that clients ask for, against those of the leaf.
const cnFallback =
  "`openssl verify -verify_hostname` falls back to the common name; browsers and RFC 9525 section 2 don't";

export function namesCases(maker) {
  const { middle } = maker;
  const leaf = (names, hostnames, name = "leaf") => ({
    certificates: [maker.server(middle, { names, name }), middle],
    hostnames,
  });
  const bare = maker.issue("leaf.example.com", {
    issuer: middle,
    extensions: [
      "basicConstraints=critical,CA:FALSE",
      "keyUsage=critical,digitalSignature",
      "extendedKeyUsage=serverAuth",
    ],
  });
  const nameless = maker.server(middle, { names: "critical,DNS:a.example.com", name: "/" });
  const good = (name, names, hostnames, more) => maker.good(name, leaf(names, hostnames), undefined, more);
  const bad = (name, names, hostnames, reason, more) =>
    maker.bad(name, leaf(names, hostnames), "HOSTNAME_UNCOVERED", reason, more);
  const wildcard = "DNS:*.example.com";

  return [
    good("exact name", "DNS:a.example.com", ["a.example.com"]),
    good("exact name in other letters", "DNS:A.Example.com", ["a.eXAMPLE.com"]),
    good("two names, both covered", "DNS:a.example.com,DNS:b.example.com", ["b.example.com", "a.example.com"]),
    good("wildcard for one label", wildcard, ["a.example.com"]),
    good("wildcard asked for by itself", wildcard, ["*.example.com"]),
    good("wildcard and its parent", `${wildcard},DNS:example.com`, ["example.com", "b.example.com"]),
    good("wildcard for an IDN label", wildcard, ["münchen.example.com"]),
    good("IDN given in Unicode", "DNS:xn--mnchen-3ya.example.com", ["münchen.example.com"]),
    good("IDN given in its xn-- form", "DNS:xn--mnchen-3ya.example.com", ["xn--mnchen-3ya.example.com"]),
    good("name asked for with a final dot", "DNS:a.example.com", ["a.example.com."], {
      openssl: "refuses",
      why: "openssl compares the dot too; it only says that the name is whole, and is no part of it",
    }),
    good("underscore in an exact name", "DNS:a_b.example.com", ["a_b.example.com"]),
    good("underscore under a wildcard", wildcard, ["a_b.example.com"], {
      openssl: "refuses",
      why: "openssl wants letters, digits and hyphens under a wildcard, browsers don't",
    }),
    good("IPv4 address", "IP:10.0.0.1", ["10.0.0.1"]),
    good("IPv6 address in another notation", "IP:2001:db8::1", ["2001:0DB8:0:0:0:0:0:1"]),
    good("names and addresses together", "DNS:a.example.com,IP:10.0.0.1,IP:::1", ["::1", "a.example.com", "10.0.0.1"]),
    maker.good(
      "leaf without a subject, its alternative names critical",
      { certificates: [nameless, middle], hostnames: ["a.example.com"] },
      ["", "CN=Intermediate"],
    ),
    maker.good(
      "no subject alternative name, no host name asked for",
      { certificates: [bare, middle] },
      ["CN=leaf.example.com", "CN=Intermediate"],
      {
        warnings: ["HOSTNAME_UNCOVERED"],
      },
    ),

    bad(
      "wrong name",
      "DNS:a.example.com",
      ["b.example.com"],
      'does not cover "b.example.com", it is for a.example.com',
    ),
    bad(
      "two names, one uncovered",
      "DNS:a.example.com",
      ["a.example.com", "b.example.com"],
      'does not cover "b.example.com"',
    ),
    bad("wildcard two levels down", wildcard, ["a.b.example.com"], 'does not cover "a.b.example.com"'),
    bad("wildcard for its parent", wildcard, ["example.com"], 'does not cover "example.com"'),
    bad("wildcard right below a top-level domain", "DNS:*.test", ["a.test"], 'does not cover "a.test"'),
    bad(
      "wildcard asked for where only one of its names is covered",
      "DNS:a.example.com",
      ["*.example.com"],
      'does not cover "*.example.com"',
    ),
    bad(
      "name that only ends like the covered one",
      "DNS:example.com",
      ["badexample.com"],
      'does not cover "badexample.com"',
    ),
    bad("other IPv4 address", "IP:10.0.0.1", ["10.0.0.2"], 'does not cover "10.0.0.2"'),
    bad("other IPv6 address", "IP:2001:db8::1", ["2001:db8::2"], 'does not cover "2001:db8::2"'),
    bad("IPv4 address that stands as a DNS name", "DNS:10.0.0.1", ["10.0.0.1"], 'does not cover "10.0.0.1"'),
    bad("IPv4 address under a wildcard", "DNS:*.0.0.1", ["10.0.0.1"], 'does not cover "10.0.0.1"'),
    bad(
      "wildcard for a part of a label",
      "DNS:w*.example.com",
      ["www.example.com"],
      'does not cover "www.example.com"',
      {
        openssl: "accepts",
        why: "openssl still takes a wildcard inside a label; browsers and RFC 9525 section 6.3 don't",
      },
    ),
    maker.bad(
      "common name only",
      { certificates: [bare, middle], hostnames: ["leaf.example.com"] },
      "HOSTNAME_UNCOVERED",
      "it is for no host name at all",
      { openssl: "accepts", why: cnFallback },
    ),
    maker.bad(
      "common name, with only an address among the alternative names",
      leaf("IP:10.0.0.1", ["leaf.example.com"], "leaf.example.com"),
      "HOSTNAME_UNCOVERED",
      'does not cover "leaf.example.com", it is for 10.0.0.1',
      { openssl: "accepts", why: cnFallback },
    ),
    maker.bad(
      "common name, with another DNS name among the alternative names",
      leaf("DNS:a.example.com", ["leaf.example.com"], "leaf.example.com"),
      "HOSTNAME_UNCOVERED",
      'does not cover "leaf.example.com", it is for a.example.com',
    ),
  ];
}
