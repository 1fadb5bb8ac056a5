import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  block,
  type Dialect,
  directive,
  quoted,
  raw,
  renderDirectives,
} from "../../../../provider/src/gateway/syntax/directives";

const dialect: Dialect = {
  server: "test",
  quote: (text) => `"${text.replace(/["\\]/g, "\\$&")}"`,
  open: (words) => `${words.join(" ")} {`,
  close: () => "}",
  line: (words) => `${words.join(" ")};`,
};

describe("directives as text", () => {
  it("stand one a line, blocks indented", () => {
    const lines = [block(["server"], [directive("listen", "80"), directive("set", raw("$x"), quoted('a "b"'))])];
    expect(renderDirectives(lines, dialect)).toBe('server {\n  listen 80;\n  set $x "a \\"b\\"";\n}\n');
  });

  it.each(["a b", "a;b", "{", '"', "$x", "%x", "a#b", "\\", "", "é", "a\nb"])("refuse %j as a plain word", (word) => {
    expect(() => renderDirectives([directive("x", word)], dialect)).toThrow(TypeError);
  });

  it.each(["a\nb", "a\rb", "\0", "\u2028", "\u200b", "\ud800", "\x7f"])(
    "refuse %j in a user's text and in raw ones",
    (text) => {
      expect(() => renderDirectives([directive("x", quoted(text))], dialect)).toThrow(
        /GATEWAY_INVALID: test can't be given/,
      );
      expect(() => renderDirectives([directive("x", raw(text))], dialect)).toThrow(/invisible/);
    },
  );

  it("a user's text makes one line, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        let rendered: string;
        try {
          rendered = renderDirectives([directive("x", quoted(text))], dialect);
        } catch {
          return;
        }
        expect(rendered.split("\n")).toHaveLength(2);
      }),
    );
  });

  it("100,000 lines in one block are no trouble", () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => directive("x", `${index}`));
    expect(renderDirectives([block(["all"], lines)], dialect).split("\n")).toHaveLength(100_003);
  });
});
