import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findFaults, releaseChangelog } from "../../scripts/changelog.mjs";

const root = resolve(import.meta.dirname, "../..");
const release = { version: "0.2.0", date: "2026-12-24" };
const fragment = (file: string, text: string) => ({ file, section: file.split("-")[0] ?? "", text });

describe("releaseChangelog", () => {
  it("joins the entries under Unreleased with one entry for each fragment, in the order of Keep a Changelog", () => {
    const before =
      "# Changelog\n\n## Unreleased\n\n### Added\n\n- One.\n\n## 0.1.0 - 2026-11-01\n\n### Added\n\n- Zero.\n";
    const fragments = [
      fragment("fixed-a.md", "A fault\nover two lines."),
      fragment("added-b.md", "Two."),
      fragment("security-c.md", "A hole."),
    ];
    expect(releaseChangelog(before, fragments, release)).toBe(
      "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n### Added\n\n- One.\n- Two.\n\n### Fixed\n\n- A fault\n  over two lines.\n\n### Security\n\n- A hole.\n\n## 0.1.0 - 2026-11-01\n\n### Added\n\n- Zero.\n",
    );
  });

  it("adds the first release to a changelog without releases", () => {
    const after = releaseChangelog("## Unreleased\n\n### Added\n\n- One.\n", [], release);
    expect(after).toBe("## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n### Added\n\n- One.\n");
  });

  it("rejects a changelog without the heading Unreleased", () => {
    expect(() => releaseChangelog("# Changelog\n", [], release)).toThrow('no heading "## Unreleased"');
  });
});

describe("findFaults", () => {
  it("reports each fault of a fragment", () => {
    const faults = findFaults([
      fragment("news-a.md", "- one"),
      fragment("fixed-b.md", ""),
      fragment("added-c.md", "Good."),
    ]);
    expect(faults).toEqual([
      "changes/news-a.md: the name must begin with one of added, changed, deprecated, removed, fixed, security",
      "changes/news-a.md: contains a list or a heading; write sentences",
      "changes/fixed-b.md: is empty",
    ]);
  });

  it("accepts the fragments of this repository, which the changelog can take", () => {
    const files = readdirSync(join(root, "changes")).filter((file) => file !== "README.md");
    const fragments = files.map((file) => fragment(file, readFileSync(join(root, "changes", file), "utf8").trim()));
    expect(findFaults(fragments)).toEqual([]);
    const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
    const after = releaseChangelog(changelog, fragments, release);
    for (const { text } of fragments) expect(after).toContain(text.split("\n")[0]);
    expect(after.length).toBeGreaterThan(changelog.length);
  });
});
