// A change of a source file runs the tests that load it without importing it: the map of `npm test -- --changed` is whole.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { reach, reachedBy } from "../../scripts/lib/changed-tests.mjs";

const root = join(import.meta.dirname, "../..");

describe("the map of changed files to tests", () => {
  it("has a line for every folder and file at the top of provider/src", () => {
    for (const entry of readdirSync(join(root, "provider/src"), { withFileTypes: true })) {
      const place = `provider/src/${entry.isDirectory() ? `${entry.name}/` : entry.name.replace(/\.ts$/, "")}`;
      expect(Object.keys(reach), entry.name).toContain(place);
    }
  });

  it("names places and tests that exist", () => {
    const starts = (path: string) => {
      const folder = join(root, path.endsWith("/") ? path : dirname(path));
      const name = path.endsWith("/") ? "" : (path.split("/").at(-1) ?? "");
      return existsSync(folder) && readdirSync(folder).some((entry) => entry.startsWith(name));
    };
    for (const path of [...Object.keys(reach), ...Object.values(reach).flat()]) expect(starts(path), path).toBe(true);
  });

  it("reaches the engine tests of a module and leaves out the others", () => {
    expect(reachedBy(["provider/src/gateway/nginx/nginx.ts"])).toContain("test/engine/gateway");
    expect(reachedBy(["provider/src/gateway/nginx/nginx.ts"])).not.toContain("test/engine/certificates");
    expect(reachedBy(["provider/src/lifecycle/site/site.ts"])).toContain("test/engine");
    expect(reachedBy(["CHANGELOG.md"])).toEqual([]);
  });
});
