// What a program waits for when it imports the package. Time is measured by `npm run bench -- load`; here it is looked what is there.
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { programFolder } from "../support/engine/engine";

/** Files that a fresh process has loaded after this. */
function loadedBy(code: string): readonly string[] {
  const print = `${code};console.log(JSON.stringify(Object.keys(require.cache)))`;
  const options = { cwd: programFolder, encoding: "utf8", timeout: 60_000 } as const;
  return JSON.parse(execFileSync(process.execPath, ["-e", print], options));
}

const libraries = /node_modules\/(zod|yaml|tldts|acme-client)\//;
const lifecycles =
  /provider\/dist\/lifecycle\/.*(account|certificate|order|chain|leaf-certificate|ca|gateway|site)\.js$/;

it("brings no lifecycle, and none of the libraries that only lifecycles use", () => {
  const loaded = loadedBy('require("pulumi-tls-gateway")');
  expect(loaded.filter((file) => libraries.test(file) || lifecycles.test(file))).toEqual([]);
  expect(loaded.filter((file) => file.includes("/provider/dist/resources/")).length).toBeGreaterThan(10);
});

it("would be seen here if it did", () => {
  const loaded = loadedBy('require("pulumi-tls-gateway/provider").acmeCertificate.check({}, {})');
  expect(loaded.some((file) => libraries.test(file))).toBe(true);
  expect(loaded.some((file) => lifecycles.test(file))).toBe(true);
});
