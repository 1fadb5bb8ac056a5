import { describe, expect, it } from "vitest";
import { judgePolicy, type PolicyRequest } from "../../../../provider/src/acme/preflight/policy";
import { parseIdentifier } from "../../../../provider/src/x509/names/identifier";

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";

const judge = (names: readonly string[], request: Partial<PolicyRequest> = {}) =>
  judgePolicy({
    directoryUrl: "https://ca.example/directory",
    meta: {},
    isPublic: true,
    identifiers: names.map(parseIdentifier) as PolicyRequest["identifiers"],
    ...request,
  });

describe("a public CA issues for", () => {
  const taken = [
    "www.pydio.com",
    "pydio.com",
    "*.pydio.com",
    "a.co.uk",
    "xn--mnchen-3ya.de",
    "me.github.io",
    "github.io",
  ];
  it.each([...taken, "93.184.215.14", "2606:2800:21f::14"])("%s", (name) => {
    expect(judge([name])).toEqual([]);
  });
});

describe("a public CA does not issue for", () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ["cells.local", /^the names under local are nobody's/],
    ["a.b.internal", /under internal/],
    ["test", /under test/],
    ["www.example.com", /under example\.com/],
    ["*.home.arpa", /under home\.arpa/],
    ["server.lan", /under lan/],
    ["intranet", /under intranet/],
    ["myhost", /has no "myhost"/],
    ["com", /^com is a public suffix/],
    ["*.co.uk", /^co\.uk is a public suffix/],
    ["10.0.0.1", /^it is a private address, for which no public CA issues$/],
    ["fd00::1", /^it is a unique local address/],
  ];
  it.each(refused)("%s", (name, found) => {
    const [only, ...more] = judge([name]);
    expect(more).toEqual([]);
    expect(only).toMatchObject({ severity: "error", subject: name, found: expect.stringMatching(found) });
    expect(judge([name], { isPublic: false })).toEqual([]);
  });
});

it("a suffix that is younger than this release is a warning", () => {
  expect(judge(["www.pydio.newtld"])).toMatchObject([
    { severity: "warning", found: expect.stringContaining("newtld") },
  ]);
});

it("a profile is one that the directory lists, where it lists some", () => {
  const meta = { profiles: { classic: "", shortlived: "" } };
  expect(judge(["pydio.com"], { meta, profile: "tlsserver" })).toMatchObject([
    {
      severity: "error",
      subject: "the CA",
      found: 'it does not offer the profile "tlsserver", but "classic", "shortlived"',
    },
  ]);
  expect(judge(["pydio.com"], { meta, profile: "classic" })).toEqual([]);
  expect(judge(["pydio.com"], { meta })).toEqual([]);
  expect(judge(["pydio.com"], { profile: "any" })).toEqual([]);
});

it("the limits of a profile count at Let's Encrypt", () => {
  const names = Array.from({ length: 26 }, (_, index) => `n${index}.pydio.com`);
  expect(judge(names, { directoryUrl: letsEncrypt, profile: "tlsserver" })).toMatchObject([
    { severity: "error", subject: "the CA", hint: "Spread them over several certificates." },
  ]);
});
