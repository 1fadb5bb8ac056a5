// Guards the load time of programs by the modules that they load. `npm run bench -- load` measures the time.
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { programFolder } from "../support/engine/engine";

/** The files that a fresh process loads for this code. */
function loadedBy(code: string): readonly string[] {
  const print = `${code};console.log(JSON.stringify(Object.keys(require.cache)))`;
  const options = { cwd: programFolder, encoding: "utf8", timeout: 60_000 } as const;
  return JSON.parse(execFileSync(process.execPath, ["-e", print], options));
}

const libraries = /node_modules\/(zod|yaml|tldts|acme-client)\//;
const lifecycles =
  /provider\/dist\/lifecycle\/.*(account|certificate|order|chain|leaf-certificate|ca|gateway|site)\.js$/;

it("the package loads neither a lifecycle nor a library that only lifecycles use", () => {
  const loaded = loadedBy('require("pulumi-tls-gateway")');
  expect(loaded.filter((file) => libraries.test(file) || lifecycles.test(file))).toEqual([]);
  expect(loaded.filter((file) => file.includes("/provider/dist/resources/")).length).toBeGreaterThan(10);
});

it("this test detects a loaded lifecycle and its libraries", () => {
  const loaded = loadedBy('require("pulumi-tls-gateway/provider").acmeCertificate.check({}, {})');
  expect(loaded.some((file) => libraries.test(file))).toBe(true);
  expect(loaded.some((file) => lifecycles.test(file))).toBe(true);
});
