import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { renderQuoted } from "../../../provider/src/text/quoted";

test("text is quoted as it is, and cut at 80 characters", () => {
  expect(renderQuoted("share.example.com")).toBe('"share.example.com"');
  expect(renderQuoted("x".repeat(80))).toBe(`"${"x".repeat(80)}"`);
  expect(renderQuoted("x".repeat(10_000_000))).toBe(`"${"x".repeat(80)}…"`);
});

test("what is invisible is escaped: it can't break a line or turn the reading direction", () => {
  expect(renderQuoted("a\n\u202eb\u00a0c\ud800")).toBe('"a\\u{a}\\u{202e}b\\u{a0}c\\u{d800}"');
});

test.each(["P-256", "P-384", "ed25519", "rsa"])("a key of %s pasted in the wrong place is not repeated", (kind) => {
  const { privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : kind === "ed25519"
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ec", { namedCurve: kind });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const body = pem.split("\n").slice(1, -2);
  for (const text of [
    pem,
    body.join(""),
    `x ${body.join("\n")}`,
    `key=${body.join("")}`,
    `${" ".repeat(60)}${pem}`,
    body.map((line) => `/${line}`).join("\n"),
  ]) {
    const quoted = renderQuoted(text);
    for (let start = 0; start + 12 <= (body[0] ?? "").length; start++) {
      expect(quoted).not.toContain((body[0] ?? "").slice(start, start + 12));
    }
  }
});

test("long names and paths are no keys", () => {
  for (const text of [
    "a-very-long-host-name-of-a-machine-in-house-2.example.com",
    "/etc/ssl/Example-2026/certificates/wildcard.pem",
    "aResourceNameInCamelCaseOfManyWords",
    "0123456789abcdef0123456789abcdef0123456789abcdef",
  ]) {
    expect(renderQuoted(text)).toBe(`"${text}"`);
  }
});
