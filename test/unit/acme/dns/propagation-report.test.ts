import { expect, it } from "vitest";
import { describeMissing, type Finding } from "../../../../provider/src/acme/dns/propagation-report";

const finding = (answer: Finding["answer"], index = 1): Finding => ({
  server: {
    role: "authoritative",
    label: `ns${index}.example.net (192.0.2.${index})`,
    endpoint: `192.0.2.${index}:53`,
  },
  name: "_acme-challenge.example.net",
  answer,
});
const said = (answer: Finding["answer"]) => describeMissing([finding(answer)], ["mine"]).found;

it("says of each server what it has", () => {
  expect(said({ kind: "records", records: ["mine", "x"] })).toBe("ns1.example.net (192.0.2.1) has it");
  expect(said({ kind: "records", records: ["v=spf1 -all with more text"] })).toBe(
    'ns1.example.net (192.0.2.1) has 1 other ("v=spf1 -…")',
  );
  expect(said({ kind: "records", records: ["a\u202e", "b", "c", "d"] })).toBe(
    'ns1.example.net (192.0.2.1) has 4 others ("a\\u{202e}", "b", "c", …)',
  );
  expect(said({ kind: "no-name" })).toBe("ns1.example.net (192.0.2.1) has no TXT record");
  expect(said({ kind: "failure", code: "ETIMEOUT" })).toBe("ns1.example.net (192.0.2.1) did not answer");
  expect(said({ kind: "failure", code: "ECONNREFUSED" })).toContain("did not answer as it should (ECONNREFUSED)");
});

it("counts own values beside those of others", () => {
  const { found } = describeMissing([finding({ kind: "records", records: ["mine", "old"] })], ["mine", "wild"]);
  expect(found).toBe('ns1.example.net (192.0.2.1) has 1 of 2 values and 1 other ("old")');
});

it("names a dozen servers at most", () => {
  const all = Array.from({ length: 26 }, (_, index) => finding({ kind: "no-name" }, index + 1));
  const { found } = describeMissing(all, ["mine"]);
  expect(found.match(/has no TXT record/g)).toHaveLength(12);
  expect(found).toMatch(/; 14 more servers were asked$/);
});
