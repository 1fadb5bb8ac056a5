// examples/nginx-front as `npm run up -- nginx-front` runs it, in a copy of its own: the gateway is installed by its script
// on an nginx that the session starts, and asked for a page. What README shows of it is what is printed.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { programFolder } from "../../support/engine/engine";
import { findLeaks } from "../../support/engine/secret-scan";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";

const run = promisify(execFile);
const EXAMPLE = "examples/nginx-front";
/** The stack, the CA, two leaves, two sites and two gateways. */
const RESOURCES = 8;

describeWithPeer("nginx", () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-front-"));
  const printed: string[] = [];
  let ports: readonly number[] = [];

  async function script(command: string): Promise<string> {
    const path = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(delimiter);
    const args = [join(folder, "scripts/lib/run-example.mjs"), command, "nginx-front"];
    const env = { ...process.env, NODE_NO_WARNINGS: "1", PATH: path };
    const { stdout, stderr } = await run(process.execPath, args, { cwd: folder, env, timeout: 400_000 });
    printed.push(stdout, stderr);
    return stdout;
  }

  beforeAll(async () => {
    const made = [join(programFolder, EXAMPLE, "nginx")];
    for (const part of ["scripts", EXAMPLE]) {
      const filter = (source: string) => !made.includes(source);
      cpSync(join(programFolder, part), join(folder, part), { recursive: true, filter });
    }
    for (const part of ["node_modules", "provider"]) symlinkSync(join(programFolder, part), join(folder, part));
    ports = await freePorts(3);
    const project = join(folder, EXAMPLE, "Pulumi.yaml");
    const numbers = ["9443", "9080", "9444"];
    const text = numbers.reduce(
      (all, port, index) => all.replace(port, `${ports[index]}`),
      readFileSync(project, "utf8"),
    );
    writeFileSync(project, text);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** With the ports of the example, and neither hashes nor dates. */
  const asShown = (text: string) =>
    ["9443", "9080", "9444"]
      .reduce((all, port, index) => all.replaceAll(`${ports[index]}`, port), text)
      .replaceAll(folder, "")
      .replace(/\b[0-9a-f]{12,64}\b/g, "<hash>");

  it("installs the gateway, proves it by requests, and takes it away again", async () => {
    const shown = await script("up");
    expect(shown).toContain(`${RESOURCES} created`);
    const [https, http] = ports;
    expect(shown).toContain(`http /shared?by=link: 308, Location: https://files.example.com:${https}/shared?by=link`);
    expect(shown).toMatch(
      new RegExp(
        `https \\(TLSv1\\.3, verified\\) /shared\\?by=link: 200, Strict-Transport-Security: max-age=63072000, ` +
          `Cells was asked for /shared\\?by=link of files\\.example\\.com:${https}, by https`,
      ),
    );
    expect(http).toBeGreaterThan(0);
    expect(shown).toContain("nothing to do");
    // what was placed is gone, with the links to it
    expect(existsSync(join(folder, EXAMPLE, "nginx/tls-gateway"))).toBe(false);
    expect(readdirSync(join(folder, EXAMPLE, "nginx/conf.d"))).toEqual([]);
  });

  it("does the same at the second up, with nothing to change", async () => {
    const shown = await script("up");
    expect(shown).toContain(`${RESOURCES} unchanged`);
    const readme = readFileSync(join(programFolder, "README.md"), "utf8");
    const [, block = "?"] = /<!-- output: nginx-front -->\n```text\n([\s\S]*?)```/.exec(readme) ?? [];
    for (const part of asShown(block).split("…\n")) expect(asShown(shown)).toContain(part.trimEnd());
  });

  it("prints no key", async () => {
    expect(printed.join("")).not.toMatch(/PRIVATE KEY/);
    expect(findLeaks("", [], { printed: printed.join("") })).toEqual([]);
    expect(await script("destroy")).toContain(`${RESOURCES} deleted`);
  });
});
