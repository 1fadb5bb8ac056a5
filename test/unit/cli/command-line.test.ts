// The command line: what is not understood ends with 2, the reason and the help on stderr, and no secret repeated.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../../../provider/src/cli/command-line";

const folder = mkdtempSync(join(tmpdir(), "command-line-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: readonly string[], environment: Record<string, string> = {}) =>
  runCommandLine(args, { environment, version: "1.2.3" });

describe("tls-gateway", () => {
  it("prints its version and its help, which teaches by example", () => {
    expect(run(["--version"])).toEqual({ status: 0, stdout: "1.2.3\n", stderr: "" });
    for (const args of [["--help"], ["inspect", "--help"]]) {
      const { status, stdout, stderr } = run(args);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout.match(/\$ .*tls-gateway inspect/g)?.length).toBeGreaterThanOrEqual(4);
      expect(stdout.split("\n").filter((line) => line.length > 110)).toEqual([]);
    }
    expect(run(["inspect", "--help"]).stdout).toMatch(/Exit status: 0 .* 1 .* 2 .*\n$/);
  });

  it("every option of an example is one that it knows", () => {
    const { stdout } = run(["inspect", "--help"]);
    const examples = [...stdout.matchAll(/npx tls-gateway (inspect .*)$/gm)].map(([, line = ""]) => line.split(" "));
    expect(examples).toHaveLength(5);
    for (const example of examples) {
      const args = example.map((word) => (word === "/dev/stdin" ? join(folder, "none") : word));
      // they are understood, and only their files are not there
      const { status, stderr } = run(args);
      if (args.includes("--passphrase-file")) expect(stderr).toMatch(/^error: --passphrase-file: FILE_UNREADABLE/);
      else expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    }
  });

  it.each([
    ["nothing at all", [], ""],
    ["another command", ["inspekt", "x.pem"], "error: unknown command 'inspekt'"],
    [
      "another option",
      ["inspect", "x.pem", "--hostnames", "a"],
      "unknown option '--hostnames'\n(Did you mean --hostname?)",
    ],
    ["no file", ["inspect", "--json"], "error: missing required argument 'file'"],
    ["an option without its value", ["inspect", "x.pem", "--roots"], "argument missing"],
    ["no date", ["inspect", "x.pem", "--as-of", "tomorrow"], "'tomorrow' is invalid. Write it as 2027-03-01"],
    ["no day of the calendar", ["inspect", "x.pem", "--as-of", "2027-02-30"], "'2027-02-30' is invalid"],
  ])("refuses %s", (_, args, reason) => {
    const { status, stdout, stderr } = run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(reason);
    expect(stderr).toContain("Usage: tls-gateway");
  });

  it("repeats no secret that was given where none belongs", () => {
    const key = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
    for (const args of [
      ["inspect", "x.pem", "--passphrase=hunter2"],
      ["inspect", "x.pem", "-phunter2"],
      ["inspect", "x.pem", "--json=hunter2"],
      [key],
      ["inspect", "x.pem", "--as-of", key],
      ["inspect", "x.pem", `--as-of=${key}`],
      ["inspect", key],
      ["inspect", "x.pem", "--passphrase-file", key],
    ]) {
      const { status, stdout, stderr } = run(args);
      expect(status).toBeGreaterThan(0);
      expect(stdout + stderr, args.join(" ")).not.toMatch(/hunter2|MIGHAg/);
    }
  });

  it("takes a passphrase file that can't be read for a matter of usage", () => {
    expect(run(["inspect", "x.pem", "--passphrase-file", join(folder, "none")])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining(
        `error: --passphrase-file: FILE_UNREADABLE: ${join(folder, "none")}: no such file`,
      ),
    });
  });

  it("ends with 1 and one JSON document when a file can't be read", () => {
    const path = join(folder, "junk.pem");
    writeFileSync(path, "junk");
    const { status, stdout, stderr } = run(["inspect", path, "--json", "--as-of", "2027-03-01"]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      isAccepted: false,
      asOf: "2027-03-01T00:00:00Z",
      findings: [{ code: "CONTAINER_INVALID", file: path }],
    });
  });
});
