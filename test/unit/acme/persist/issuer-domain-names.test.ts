import { describe, expect, it } from "vitest";
import { issuersBeforeOrder, issuersOfChallenge } from "../../../../provider/src/acme/persist/issuer-domain-names";

const eleven = Array.from({ length: 11 }, (_, index) => `ca${index}.test`);

describe("before an order the names", () => {
  it("are those of the directory", () => {
    const meta = { issuerDomainNames: ["b.test", "a.test"], caaIdentities: ["c.test"] };
    expect(issuersBeforeOrder(meta)).toEqual({ names: ["b.test", "a.test"], isGuess: false });
  });

  it.each([
    ["it has none", undefined],
    ["its list is empty", []],
    ["its list is too long", eleven],
    ["one is in upper case", ["a.test", "B.test"]],
    ["one has a dot at its end", ["a.test."]],
    ["one is not in A-labels", ["münchen.test"]],
    ["one is too long", [`${"a".repeat(60)}.`.repeat(5)]],
  ])("are guessed to be those of CAA when %s", (_, issuerDomainNames) => {
    const meta = {
      ...(issuerDomainNames && { issuerDomainNames }),
      caaIdentities: ["C.test.", "not a name", "c.test"],
    };
    expect(issuersBeforeOrder(meta)).toEqual({ names: ["c.test"], isGuess: true });
  });

  it.each([{}, { caaIdentities: [] }, { caaIdentities: ["not a name"] }])("are not known with %j", (meta) => {
    expect(issuersBeforeOrder(meta)).toBeUndefined();
  });
});

describe("the names of a challenge", () => {
  it("are taken as they are where the directory says none (drafts -00 and -01)", () => {
    const issuers = issuersOfChallenge(["b.test", "a.test"], { caaIdentities: ["c.test"] });
    expect(issuers).toEqual({ names: ["b.test", "a.test"], isGuess: false });
  });

  it("begin with those of the directory, which hold for later challenges too", () => {
    const meta = { issuerDomainNames: ["a.test"], caaIdentities: ["A.test", "b.test"] };
    expect(issuersOfChallenge(["b.test", "a.test"], meta).names).toEqual(["a.test", "b.test"]);
  });

  it.each([
    [undefined, {}, "its issuerDomainNames are empty"],
    [[], {}, "its issuerDomainNames are empty"],
    [eleven, {}, "its issuerDomainNames are 11, more than 10"],
    [["A.test"], {}, 'its issuerDomainNames hold "A.test", which is no domain name in lower-case A-labels'],
    [["a.test"], { issuerDomainNames: ["a.test", "b.test"] }, 'lack "b.test", which the directory promises'],
    [
      ["a.test", "b.test"],
      { issuerDomainNames: ["a.test"], caaIdentities: ["a.test"] },
      'hold "b.test", which the directory\'s caaIdentities lack',
    ],
  ])("%j with the directory's %j are malformed", (names, meta, found) => {
    expect(() => issuersOfChallenge(names, meta)).toThrow(
      expect.objectContaining({ code: "ACME_PROTOCOL", reason: expect.stringContaining(found) }),
    );
  });

  it("are not measured by a list of the directory that breaks the rules itself", () => {
    expect(issuersOfChallenge(["a.test"], { issuerDomainNames: ["B.test"] }).names).toEqual(["a.test"]);
    const meta = { issuerDomainNames: ["a.test"], caaIdentities: ["not a name"] };
    expect(issuersOfChallenge(["a.test"], meta).names).toEqual(["a.test"]);
  });
});
