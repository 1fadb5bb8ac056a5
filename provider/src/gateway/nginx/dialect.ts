import { block, type Dialect, type Directive, directive, type RawWord, raw, type Word } from "../syntax/directives";

/** A variable that holds a dollar sign: nginx knows no way to write one where variables are read. */
const DOLLAR = "tls_gateway_dollar";

/** The first word of a line that says nothing to nginx. */
export const comment: RawWord = raw("#");

/** The syntax of nginx: words in double quotes, `;` after a line, blocks in braces. */
export const nginxDialect: Dialect = {
  server: "nginx",
  quote: (text) => `"${nginxText(text)}"`,
  open: (words) => `${words.join(" ")} {`,
  close: () => "}",
  line: (words) => (words[0] === comment.raw ? words.join(" ") : `${words.join(" ")};`),
};

/** What defines the variable that {@link nginxText} needs. A `geo` reads no variables in its values. */
export const dollarVariable: readonly [name: string, value: RawWord] = [`$${DOLLAR}`, raw('"$"')];

/** A user's text inside of double quotes: `\` and `"` mean themselves there after a `\`, everything else but `$` does so. */
export function nginxText(text: string): string {
  return text.replace(/[\\"]/g, "\\$&").replaceAll("$", `\${${DOLLAR}}`);
}

/** A word of variables and of texts that went through {@link nginxText}. */
export function expression(inner: string): RawWord {
  return raw(`"${inner}"`);
}

/** A regular expression as the key of a map or as a server name: no variables are read there. */
export function pattern(expression: string, flags: "" | "i" = ""): RawWord {
  return raw(`"~${flags === "i" ? "*" : ""}${expression.replace(/[\\"]/g, "\\$&")}"`);
}

/** `if` with nothing but `return` in it: the one use in which nginx's `if` does what it says. */
export function returnIf(variable: string, ...answer: readonly Word[]): Directive {
  return block(["if", raw(`(${variable})`)], [directive("return", ...answer)]);
}
