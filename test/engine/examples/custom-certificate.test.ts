// examples/custom-certificate as it stands, in a copy of its own: what `npm run up` runs, and the nginx that it says how to
// start, judged by openssl.
import { execFile, execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { ensureCertificates } from "../../../examples/custom-certificate/certs.ts";
import { programFolder } from "../../support/engine/engine";
import { findLeaks } from "../../support/engine/secret-scan";
import { type ListeningServer, startListening } from "../../support/gateway/nginx";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";

const run = promisify(execFile);
const EXAMPLE = "examples/custom-certificate";
/** The stack, three chains, a site and its gateway. */
const RESOURCES = 6;
const keyFiles = [
  "nginx/shop/key.pem",
  "nginx/wiki/key.pem",
  "nginx/files/key.pem",
  "certs/shop.key",
  "certs/files.key",
];

describeWithPeer("openssl", (openssl) => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-custom-"));
  const read = (file: string) => readFileSync(join(folder, EXAMPLE, file), "utf8");
  const printed: string[] = [];
  let port = 0;
  /** Those of the second up, with "[secret]" for what is secret. */
  let outputs: Record<string, unknown> = {};

  /** What `npm run up` and the like run once everything is set up. */
  async function script(command: string, ...flags: string[]): Promise<string> {
    const path = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].filter(Boolean).join(delimiter);
    const args = [join(folder, "scripts/lib/run-example.mjs"), command, "custom-certificate", ...flags];
    const env = { ...process.env, NODE_NO_WARNINGS: "1", PATH: path };
    const { stdout, stderr } = await run(process.execPath, args, { cwd: folder, env, timeout: 400_000 });
    printed.push(stdout, stderr);
    return stdout;
  }

  beforeAll(async () => {
    const made = ["certs", "nginx"].map((name) => join(programFolder, EXAMPLE, name));
    for (const part of ["scripts", EXAMPLE]) {
      // what the developer's own runs made stays with them
      const filter = (source: string) => !made.includes(source);
      cpSync(join(programFolder, part), join(folder, part), { recursive: true, filter });
    }
    for (const part of ["node_modules", "provider"]) symlinkSync(join(programFolder, part), join(folder, part));
    const [https = 0, cells = 0] = await freePorts(2);
    port = https;
    const project = join(folder, EXAMPLE, "Pulumi.yaml");
    const ports = readFileSync(project, "utf8").replace("8443", `${https}`).replace("8444", `${cells}`);
    writeFileSync(project, ports);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is shown by a preview, which writes nothing for nginx", async () => {
    expect(await script("preview")).toContain(`${RESOURCES} to create`);
    expect(existsSync(join(folder, EXAMPLE, "nginx"))).toBe(false);
  });

  it("is applied, and shows the chain of the unordered mail in the order of sending", async () => {
    const shown = await script("up");
    expect(shown).toContain(`${RESOURCES} created`);
    const rows = ["files.example.com", "Example Issuing CA", "Example Policy CA"];
    expect(shown).toMatch(
      new RegExp(`^chain:\\n${[" *issuer +subject", ...rows].map((row) => `.*${row}.*\\n`).join("")}\\n`, "m"),
    );
    expect(shown).toMatch(new RegExp(`_${port}\\._tcp\\.www\\.shop\\.example\\.com +TLSA +3 1 1 [0-9a-f]{64}$`, "m"));
    expect(shown).toMatch(/^files: \[secret\]$/m);
  });

  it("changes nothing at the second up, neither resources nor what the CA mailed", async () => {
    const mailed = () => readdirSync(join(folder, EXAMPLE, "certs")).map((file) => [file, read(`certs/${file}`)]);
    const before = mailed();
    const second = JSON.parse(await script("up", "--json"));
    expect(second.changes).toEqual({ same: RESOURCES });
    outputs = second.outputs;
    expect(mailed()).toEqual(before);
    expect(readdirSync(join(folder, EXAMPLE)).filter((name) => name.includes(".new"))).toEqual([]);
  });

  it("names the paths of fullcert and key to Cells", () => {
    const { sites } = JSON.parse(outputs.configuration as string).defaults;
    expect(sites.map(({ TLSConfig }: { TLSConfig: unknown }) => TLSConfig)).toEqual([
      { Certificate: { CertFile: "/var/cells/certs/files.pem", KeyFile: "/var/cells/certs/files-key.pem" } },
    ]);
    expect(outputs.files).toBe("[secret]");
  });

  it("makes the files that it is about: DER, PKCS#7, PKCS#12, PEM out of order and a traditional key", () => {
    const show = (...args: string[]) =>
      execFileSync(openssl.path, args, { cwd: join(folder, EXAMPLE, "certs"), encoding: "utf8", stdio: "pipe" });
    expect(show("x509", "-inform", "DER", "-in", "shop.cer", "-noout", "-subject")).toContain("shop.example.com");
    const issuers = show("pkcs7", "-inform", "DER", "-in", "shop-intermediates.p7b", "-print_certs", "-noout");
    expect(issuers.match(/^subject=/gm)).toHaveLength(2);
    const opened = show("pkcs12", "-in", "wiki.pfx", "-passin", "file:wiki.password", "-nodes");
    expect(opened.match(/BEGIN (CERTIFICATE|PRIVATE KEY)/g)).toHaveLength(4);
    expect(() => show("pkcs12", "-in", "wiki.pfx", "-passin", "pass:")).toThrow(/invalid password/);
    expect(commonNames(read("certs/files.txt"))).toEqual([
      "Example Root",
      "Example Issuing CA",
      "files.example.com",
      "Example Policy CA",
    ]);
    expect(read("certs/files.key")).toMatch(/BEGIN EC PARAMETERS[\s\S]*BEGIN EC PRIVATE KEY/);
    const twentyYears = new Date(Date.now() + 19.9 * 365 * 86_400_000);
    expect(new Date(new X509Certificate(read("certs/files.txt")).validTo) > twentyYears).toBe(true);
  });

  describeWithPeer("nginx", (nginx) => {
    let server: ListeningServer | undefined;
    beforeAll(async () => {
      const [program, ...args] = (outputs.nginxCommand as string).split(" ");
      expect(program).toBe("nginx");
      // in the foreground, so that its end can be awaited
      const child = spawn(nginx.path, [...args, "-g", "daemon off;"], {
        cwd: folder,
        stdio: ["ignore", "ignore", "pipe"],
      });
      server = await startListening("nginx", child, port);
    });
    afterAll(async () => server?.stop());

    /** What openssl sees as a client that knows the root alone; fails when it does not verify. */
    function connectTo(host: string): string {
      const trust = [
        "-CAfile",
        join(EXAMPLE, "certs/root.crt"),
        "-no-CApath",
        "-no-CAstore",
        "-verify_return_error",
        "-x509_strict",
      ];
      const names = ["-servername", host, "-verify_hostname", host];
      const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-showcerts", "-ign_eof", ...names, ...trust];
      const input = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      return execFileSync(openssl.path, args, { cwd: folder, input, encoding: "utf8", stdio: "pipe", timeout: 30_000 });
    }

    it.each(["shop", "wiki", "files"])("%s is served whole and in order, and verified by the root alone", (name) => {
      const seen = connectTo(`${name}.example.com`);
      expect(commonNames(seen)).toEqual([`${name}.example.com`, "Example Issuing CA", "Example Policy CA"]);
      expect(seen).toMatch(/^Verification: OK$/m);
      expect(seen).toMatch(new RegExp(`^Verified peername: ${name}\\.example\\.com$`, "m"));
      expect(seen).toMatch(new RegExp(`^this is ${name}$`, "m"));
    });

    it("the second name of a site gets the site", () => {
      expect(connectTo("www.shop.example.com")).toMatch(
        /^Verified peername: www\.shop\.example\.com$[\s\S]*^this is shop$/m,
      );
    });

    it("a name that no site has is refused, and gets no certificate", () => {
      expect(() => connectTo("other.example.com")).toThrow(/unrecognized name/);
    });

    it("nothing is written outside of its folder, and nothing is logged as wrong", () => {
      expect(read("nginx/nginx.conf")).not.toMatch(/[ "]\/\S/);
      const own = ["access.log", "error.log", "nginx.pid", "client_body_temp", "proxy_temp"];
      expect(readdirSync(join(folder, EXAMPLE, "nginx"))).toEqual(expect.arrayContaining(own));
      expect(read("nginx/error.log")).not.toMatch(/\[(warn|error|crit|alert|emerg)\]/);
    });
  });

  it("keeps keys readable by their owner alone, and shows neither them nor the password", () => {
    for (const file of [...keyFiles, "certs/wiki.pfx", "certs/wiki.password"]) {
      expect([file, (statSync(join(folder, EXAMPLE, file)).mode & 0o777).toString(8)]).toEqual([file, "600"]);
    }
    const places = {
      "printed text": printed.join("\n"),
      state: readFolder(join(folder, ".pulumi-local")),
      configuration: read("nginx/nginx.conf"),
    };
    expect(places.state).toContain("example.com");
    expect(findLeaks(keyFiles.map(read).join("\n"), [read("certs/wiki.password").trim()], places)).toEqual([]);
  });

  it("says what is missing where there is no openssl, and leaves nothing half made", () => {
    const empty = join(folder, "empty");
    mkdirSync(empty);
    vi.stubEnv("PATH", empty);
    try {
      expect(() => ensureCertificates(join(empty, "certs"))).toThrow(
        /openssl is not on PATH.*Install the package openssl/,
      );
    } finally {
      vi.unstubAllEnvs();
    }
    expect(readdirSync(empty)).toEqual([]);
  });
});

/** The common names of the certificates in a text, in its order. */
function commonNames(text: string): (string | undefined)[] {
  const sent = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return sent.map((pem) => /^CN=(.*)$/m.exec(new X509Certificate(pem).subject)?.[1]);
}

function readFolder(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1")).join("\n");
}
