// Guards: an example that its index page does not list, or a line of the page whose example is gone.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const folder = join(import.meta.dirname, "../../examples");

it("examples/README.md lists each example once, with its page and its command", () => {
  const examples = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const page = readFileSync(join(folder, "README.md"), "utf8");
  const rows = page.split("\n").filter((line) => line.startsWith("| ["));
  // `npm run up` alone runs the quickstart
  const cells = (name: string) => ({
    link: `[${name}](${name}/README.md)`,
    command: name === "quickstart" ? "`npm run up`" : `\`npm run up -- ${name}\``,
  });
  const listed = rows.map((row) => row.split("|").map((cell) => cell.trim()));
  const found = listed.map(([, link, , command]) => ({ link, command }));
  const byLink = (one: { link?: string | undefined }, other: { link?: string | undefined }) =>
    `${one.link}`.localeCompare(`${other.link}`);
  expect(found.sort(byLink)).toEqual(examples.map(({ name }) => cells(name)).sort(byLink));
  expect(listed.filter(([, , shown]) => shown === "")).toEqual([]);
});
