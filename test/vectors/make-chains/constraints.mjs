// Name constraints of an intermediate and of the root.
import { leafExtensions } from "../../support/openssl-pki.ts";

export function constraintsCases(maker) {
  const { root } = maker;
  const constrained = (lines, critical = "critical,") => [`nameConstraints=${critical}${lines}`];
  const below = (lines, names, critical) => {
    const middle = maker.ca("Intermediate", { issuer: root, more: constrained(lines, critical) });
    return { certificates: [maker.server(middle, { names }), middle] };
  };
  const belowRoot = (lines, names) => {
    const top = maker.ca("Root", { more: constrained(lines) });
    const middle = maker.ca("Intermediate", { issuer: top });
    return { certificates: [maker.server(middle, { names }), middle], roots: [top] };
  };
  const twice = (upperLines, lowerLines, names) => {
    const upper = maker.ca("Upper", { issuer: root, more: constrained(upperLines) });
    const lower = maker.ca("Lower", { issuer: upper, more: constrained(lowerLines) });
    return { certificates: [maker.server(lower, { names }), lower, upper] };
  };
  const bad = (name, input, reason, more) => maker.bad(name, input, "NAME_CONSTRAINED", reason, more);
  const permitted = "permitted;DNS:example.com";
  const excluded = "excluded;DNS:example.com";
  const ten = "IP:10.0.0.0/255.0.0.0";
  const v6 = "IP:2001:db8::/ffff:ffff::";
  const everyIp = "excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::";

  return [
    maker.good(
      "names inside the permitted domain, and the domain itself",
      below(permitted, "DNS:a.b.example.com,DNS:example.com"),
    ),
    bad(
      "name outside the permitted domain",
      below(permitted, "DNS:a.example.org"),
      "is outside the permitted domains (example.com)",
    ),
    bad(
      "one of two names outside the permitted domain",
      below(permitted, "DNS:a.example.com,DNS:a.example.org"),
      "may not carry a.example.org",
    ),
    bad(
      "name that only ends like the permitted domain",
      below(permitted, "DNS:badexample.com"),
      "is outside the permitted",
    ),
    maker.good("wildcard inside the permitted domain", below(permitted, "DNS:*.example.com")),
    maker.good(
      "name in the second of two permitted domains",
      below(`${permitted},permitted;DNS:example.org`, "DNS:a.example.org"),
    ),
    maker.good("address where only domains are permitted", below(permitted, "DNS:a.example.com,IP:10.0.0.1")),
    bad(
      "name inside the excluded domain",
      below(excluded, "DNS:a.example.com"),
      "is inside the excluded domain example.com",
    ),
    maker.good("name beside the excluded domain", below(excluded, "DNS:a.example.org")),
    bad(
      "name both permitted and excluded",
      below(`permitted;DNS:example.com,excluded;DNS:a.example.com`, "DNS:x.a.example.com"),
      "is inside the excluded domain a.example.com",
    ),
    bad(
      "constraint that is not critical, violated",
      below(permitted, "DNS:a.example.org", ""),
      "is outside the permitted",
    ),
    maker.good("address inside the permitted range", below(`permitted;${ten}`, "IP:10.1.2.3")),
    bad(
      "address outside the permitted range",
      below(`permitted;${ten}`, "IP:11.1.2.3"),
      "is outside the permitted ranges (10.0.0.0/8)",
    ),
    bad(
      "address inside the excluded range",
      below(`excluded;${ten}`, "IP:10.1.2.3"),
      "is inside the excluded range 10.0.0.0/8",
    ),
    bad(
      "IPv6 address where only IPv4 is permitted",
      below(`permitted;${ten}`, "IP:2001:db8::1"),
      "is outside the permitted ranges",
    ),
    maker.good("IPv6 address inside the permitted range", below(`permitted;${v6}`, "IP:2001:db8::1")),
    bad(
      "IPv6 address outside the permitted range",
      below(`permitted;${v6}`, "IP:2001:db9::1"),
      "is outside the permitted ranges",
    ),
    bad(
      "address where every one is excluded",
      below(`${permitted},${everyIp}`, "DNS:a.example.com,IP:10.0.0.1"),
      "is inside the excluded range 0.0.0.0/0",
    ),
    maker.good("name where every address is excluded", below(`${permitted},${everyIp}`, "DNS:a.example.com")),
    maker.good("name inside the root's permitted domain", belowRoot(permitted, "DNS:a.example.com")),
    bad(
      "name outside the root's permitted domain",
      belowRoot(permitted, "DNS:a.example.org"),
      "by the constraints of CN=Root",
    ),
    bad(
      "address inside the root's excluded range",
      belowRoot(`excluded;${ten}`, "IP:10.0.0.1"),
      "by the constraints of CN=Root",
    ),
    bad(
      "name that the upper CA permits and the lower one does not",
      twice(permitted, "permitted;DNS:a.example.com", "DNS:b.example.com"),
      "by the constraints of CN=Lower",
    ),
    bad(
      "name that the lower CA permits and the upper one does not",
      twice(permitted, "permitted;DNS:example.org", "DNS:b.example.org"),
      "by the constraints of CN=Upper",
    ),
    maker.good("name where only addresses are permitted", below(`permitted;${ten}`, "DNS:a.example.com")),
    maker.good("permitted domain in other letters", below("permitted;DNS:EXAMPLE.com", "DNS:a.example.com")),
    maker.good("permitted domain with a dot before it", below("permitted;DNS:.example.com", "DNS:a.example.com")),
    bad(
      "the domain itself where it is permitted with a dot before it",
      below("permitted;DNS:.example.com", "DNS:example.com"),
      "is outside the permitted",
    ),
    bad(
      "wildcard that stands for the excluded name too",
      below("excluded;DNS:a.example.com", "DNS:*.example.com"),
      "is inside the excluded domain a.example.com",
      {
        openssl: "accepts",
        why: "openssl compares the letters of the wildcard, here it counts as every name that it stands for",
      },
    ),
    maker.good(
      "directory name constraint, a leaf whose subject is outside it",
      below("permitted;dirName:dn\n[dn]\nO=Org", "DNS:a.example.com"),
      undefined,
      {
        warnings: ["NAME_CONSTRAINED"],
        openssl: "refuses",
        why: "constraints of directory names are not judged here, which a warning says",
      },
    ),
    maker.good(
      "URI constraint, a URI outside it",
      below("permitted;URI:example.com", "DNS:a.example.com,URI:https://example.org/"),
      undefined,
      {
        warnings: ["NAME_CONSTRAINED"],
        openssl: "refuses",
        why: "constraints of URIs are not judged here, which a warning says",
      },
    ),
    commonNameOutside(maker, permitted),
    maker.good(
      "e-mail constraint, a leaf without e-mail address",
      below("permitted;email:example.com", "DNS:a.example.com"),
      undefined,
      {
        warnings: ["NAME_CONSTRAINED"],
      },
    ),
    maker.good(
      "e-mail constraint, an address outside it",
      below("permitted;email:example.com", "DNS:a.example.com,email:me@example.org"),
      undefined,
      {
        warnings: ["NAME_CONSTRAINED"],
        openssl: "refuses",
        why: "constraints of e-mail addresses are not judged here, which a warning says: no TLS server is asked for one",
      },
    ),
    selfIssuedExempt(maker),
  ];
}

/** RFC 5280 section 4.2.1.10: a self-issued certificate that is not the leaf is not held to the constraints. */
function selfIssuedExempt(maker) {
  const names = "DNS:outside.example.org";
  const middle = maker.ca("Intermediate", {
    issuer: maker.root,
    more: ["nameConstraints=critical,permitted;DNS:example.com"],
  });
  const rolled = maker.ca("Intermediate", { issuer: middle, more: [`subjectAltName=${names}`] });
  const leaf = maker.issue("leaf", { issuer: rolled, extensions: leafExtensions("DNS:a.example.com") });
  return maker.good(
    "name outside the permitted domain on a self-issued CA certificate",
    { certificates: [leaf, rolled, middle] },
    ["CN=leaf", "CN=Intermediate", "CN=Intermediate"],
  );
}

function commonNameOutside(maker, permitted) {
  const middle = maker.ca("Intermediate", { issuer: maker.root, more: [`nameConstraints=critical,${permitted}`] });
  const [constraints, usage, purpose] = leafExtensions("");
  const leaf = maker.issue("leaf.example.org", { issuer: middle, extensions: [constraints, usage, purpose] });
  return maker.bad(
    "common name outside the permitted domain, no subject alternative name",
    { certificates: [leaf, middle] },
    "NAME_CONSTRAINED",
    "may not carry leaf.example.org",
  );
}
