// Guards: a secret that a message quotes beside the argument that it is about, cut, escaped, or in other letters.
import { describe, expect, it } from "vitest";
import { collectSecretTexts, maskSecretTexts } from "../../../provider/src/adapter/secret-texts";
import { renderQuoted } from "../../../provider/src/text/quoted";

const mask = (message: string, ...values: readonly unknown[]) => maskSecretTexts(message, collectSecretTexts(values));

describe("a message", () => {
  it.each<[string, unknown, string, string]>([
    ["a text", "hunter2", 'found "hunter2", expected a word', 'found "[secret]", expected a word'],
    ["a text in other letters", "Hunter2.Example", "hunter2.example is taken", "[secret] is taken"],
    ["a text in a list in an object", { a: [{ b: "hunter2" }] }, "no hunter2", "no [secret]"],
    ["the longer of two first", ["hunter2", "hunter2-and-more"], "hunter2-and-more", "[secret]"],
    ["a number", { pin: 4711 }, "found 4711", "found [secret]"],
    ["a short text where it stands alone", "abc", 'found "abc" in abcdef', 'found "[secret]" in abcdef'],
    ["spaces around it aside", "  hunter2 \n", "no hunter2", "no [secret]"],
    ["characters of patterns", "a.b*c(d", "a.b*c(d and axb", "[secret] and axb"],
    ["one line of several", "first line of it\nsecond line of it", "second line of it?", "[secret]?"],
  ])("does not show %s", (_, value, message, shown) => {
    expect(mask(message, value)).toBe(shown);
  });

  it("does not show a text that is cut or escaped", () => {
    const long = "s3cret".repeat(100);
    expect(mask(renderQuoted(long), long)).toBe('"[secret]…"');
    expect(mask(renderQuoted("tab\there"), "tab\there")).toBe('"[secret]"');
    expect(mask(JSON.stringify('quote"here'), 'quote"here')).toBe('"[secret]"');
  });

  it("shows all the rest, and everything where nothing is secret", () => {
    expect(mask("as it is", "", null, undefined, true, [])).toBe("as it is");
    expect(mask("as it is")).toBe("as it is");
  });
});
