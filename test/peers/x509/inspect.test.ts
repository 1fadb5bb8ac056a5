// The built command on files that openssl made: it tells what openssl tells, finds what is wrong, and shows no key. And
// the arguments of a resource come out the same from whatever form the files have.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CertificateFiles, fromFiles } from "../../../provider/src/files/from-files";
import type { Inspection } from "../../../provider/src/files/inspection";
import { certificateChain } from "../../../provider/src/lifecycle/chain/certificate-chain";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { findLeaks } from "../../support/engine/secret-scan";
import { describeWithPeer } from "../../support/peer";
import { caExtensions, day, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const main = join(import.meta.dirname, "../../../provider/dist/cli/main.js");
const PASSPHRASE = "hunter2-of-the-file";

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describeWithPeer("openssl", () => {
  const pki = new OpensslPki();
  let [root, intermediate, leaf, other] = [] as unknown as [IssuedPair, IssuedPair, IssuedPair, IssuedPair];
  /** Everything that any run printed. */
  const printed: Record<string, string> = {};

  beforeAll(() => {
    expect(existsSync(main), "the package is built").toBe(true);
    root = pki.issue("/O=Example, Inc./CN=Root", { extensions: caExtensions() });
    intermediate = pki.issue("/CN=Intermediate", { issuer: root, extensions: caExtensions(0) });
    const names = leafExtensions("DNS:shop.test,DNS:*.shop.test,IP:10.0.0.5");
    leaf = pki.issue('/O=Shop "Co"; Ltd/CN=shop.test', { issuer: intermediate, extensions: names });
    const rsa = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
    other = pki.issue("other.test", { issuer: intermediate, extensions: leafExtensions("DNS:other.test"), key: rsa });
    pki.write("issuers.pem", root.pem + intermediate.pem);
    pki.write("wrong-order.pem", root.pem + leaf.pem + intermediate.pem);
    pki.write("passphrase.txt", `${PASSPHRASE}\nsecond line\n`);
    pki.run(["crl2pkcs7", "-nocrl", "-certfile", "issuers.pem", "-certfile", leaf.file, "-out", "all.p7b"]);
    pki.run([..."crl2pkcs7 -nocrl -outform DER -certfile issuers.pem -out issuers.p7b".split(" ")]);
    pki.run(["x509", "-in", leaf.file, "-outform", "DER", "-out", "leaf.cer"]);
    pki.run(["pkcs8", "-topk8", "-nocrypt", "-in", leaf.keyFile, "-outform", "DER", "-out", "pkcs8.key"]);
    pki.run(["ec", "-in", leaf.keyFile, "-outform", "DER", "-out", "sec1.key"]);
    const shut = ["-outform", "DER", "-passout", `pass:${PASSPHRASE}`];
    pki.run(["pkcs8", "-topk8", "-in", leaf.keyFile, ...shut, "-out", "shut.key"]);
    const pair = ["-in", leaf.file, "-inkey", leaf.keyFile, "-certfile", "issuers.pem"];
    pki.run(["pkcs12", "-export", ...pair, "-passout", `pass:${PASSPHRASE}`, "-out", "shop.pfx"]);
    pki.run(["pkcs12", "-export", ...pair, "-passout", "pass:", "-legacy", "-out", "old.pfx"]);
  });
  afterAll(() => pki.remove());
  afterEach(() => {
    const keys = [root, intermediate, leaf, other].map(({ keyPem }) => keyPem).join("");
    expect(findLeaks(keys, [PASSPHRASE], printed)).toEqual([]);
  });

  /** Runs the command in the folder of the files. */
  function run(
    args: readonly string[],
    { env = {}, input = "" }: { env?: NodeJS.ProcessEnv; input?: string } = {},
  ): Run {
    const { TLS_GATEWAY_PASSPHRASE: _, ...inherited } = process.env;
    const options = { cwd: pki.folder, encoding: "utf8", env: { ...inherited, ...env }, input } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options);
    printed[`output of ${args.join(" ")}`] = stdout + stderr;
    return { status, stdout, stderr };
  }

  /** The one JSON document. */
  function inspected(
    args: readonly string[],
    options?: Parameters<typeof run>[1],
  ): Inspection & { status: number | null } {
    const { status, stdout, stderr } = run(["inspect", ...args, "--json"], options);
    expect(stderr).toBe("");
    return { status, ...(JSON.parse(stdout) as Inspection) };
  }

  const codes = ({ findings }: Inspection) => findings.map(({ severity, code }) => `${severity} ${code}`);
  const roles = ({ certificates }: Inspection) => certificates.map(({ role }) => role).join();

  describe("tls-gateway inspect", () => {
    it("tells of each certificate what openssl tells", () => {
      const { certificates } = inspected(["wrong-order.pem"]);
      const nameOptions = "esc_2253,esc_ctrl,utf8,dump_nostr,dump_unknown,dump_der,sep_comma_plus_space,dn_rev,sname";
      for (const [row, pair] of [leaf, intermediate, root].map((each, at) => [certificates[at], each] as const)) {
        const told = pki.run([
          ..."x509 -noout -subject -issuer -dates -serial -fingerprint -sha256 -dateopt iso_8601".split(" "),
          ...["-nameopt", nameOptions, "-in", pair.file],
        ]);
        const fields = Object.fromEntries(
          told
            .trim()
            .split("\n")
            .map((line) => /^([^=]*)=(.*)$/.exec(line)?.slice(1) ?? []),
        );
        expect(row).toMatchObject({
          subject: fields.subject,
          issuer: fields.issuer,
          validFrom: fields.notBefore.replace(" ", "T"),
          validTo: fields.notAfter.replace(" ", "T"),
          serialNumber: fields.serial.toLowerCase(),
          fingerprintSha256: fields["sha256 Fingerprint"].replaceAll(":", "").toLowerCase(),
          keyType: "P256",
        });
      }
      expect(certificates.map(({ role, names }) => [role, names])).toEqual([
        ["leaf", ["shop.test", "*.shop.test", "10.0.0.5"]],
        ["intermediate", undefined],
        ["root", undefined],
      ]);
    });

    it("finds one chain in whatever form it comes, with its key", () => {
      const hosts = ["--hostname", "shop.test", "--hostname", "a.shop.test", "--hostname", "10.0.0.5"];
      const forms: [readonly string[], string][] = [
        [["wrong-order.pem", "--key", leaf.keyFile], "PEM,PEM"],
        [["all.p7b", "--key", "pkcs8.key"], "PEM,DER"],
        [["issuers.p7b", "leaf.cer", "--key", "sec1.key"], "PKCS#7,DER,DER"],
        [["shop.pfx", "--passphrase-file", "passphrase.txt"], "PKCS#12"],
        [["issuers.pem", "leaf.cer", "--key", "shut.key", "--passphrase-file", "passphrase.txt"], "PEM,DER,DER"],
      ];
      const expected = inspected(["wrong-order.pem"]).certificates.map(({ file: _, ...facts }) => facts);
      for (const [args, formats] of forms) {
        const inspection = inspected([...args, ...hosts, "--roots", root.file]);
        expect(inspection, args.join(" ")).toMatchObject({ status: 0, isAccepted: true, findings: [] });
        expect(inspection.files.map(({ format }) => format).join()).toBe(formats);
        expect(inspection.certificates.map(({ file: _, ...facts }) => facts)).toEqual(expected);
        expect(inspection.privateKeys).toMatchObject([{ keyType: "P256", fits: true }]);
      }
    });

    it("finds what is wrong, with exit status 1", () => {
      const later = new Date(Date.now() + 200 * day).toISOString().slice(0, 10);
      const cases: [readonly string[], string, string][] = [
        [
          ["wrong-order.pem", "--as-of", later],
          "error CERTIFICATE_EXPIRED,error CERTIFICATE_EXPIRED,error CERTIFICATE_EXPIRED",
          "leaf,intermediate,root",
        ],
        [["wrong-order.pem", "--key", other.keyFile], "error KEY_MISMATCH", "leaf,intermediate,root"],
        [["wrong-order.pem", "--hostname", "a.b.shop.test"], "error HOSTNAME_UNCOVERED", "leaf,intermediate,root"],
        [["leaf.cer", "--roots", root.file], "error CHAIN_INCOMPLETE", "leaf"],
        [["wrong-order.pem", "--roots", "system"], "error CHAIN_INVALID", "leaf,intermediate,root"],
        [["issuers.p7b"], "error CHAIN_INCOMPLETE", "root,intermediate"],
        [[leaf.file, other.file], "error CHAIN_INVALID", "leaf,leaf"],
        [["none.pem", "wrong-order.pem"], "error FILE_UNREADABLE", "leaf,intermediate,root"],
        [["shop.pfx"], "error CONTAINER_ENCRYPTED", ""],
        [["leaf.cer", "issuers.pem", "--key", "shut.key"], "error KEY_ENCRYPTED", "leaf,intermediate,root"],
      ];
      for (const [args, findings, rows] of cases) {
        const inspection = inspected(args);
        const found = { status: inspection.status, findings: codes(inspection).join(), rows: roles(inspection) };
        expect(found, args.join(" ")).toEqual({ status: 1, findings, rows });
        for (const { reason, hint } of inspection.findings) expect(reason && hint).toBeTruthy();
      }
    });

    it("accepts with exit status 0 what is only worth a warning", () => {
      const inspection = inspected(["leaf.cer"]);
      expect([inspection.status, codes(inspection)]).toEqual([0, ["warning CHAIN_INCOMPLETE"]]);
    });

    it("takes the passphrase from the first line of a file or a pipe, or else from the environment", () => {
      const env = (passphrase: string) => ({ env: { TLS_GATEWAY_PASSPHRASE: passphrase } });
      const file = ["--passphrase-file", "passphrase.txt"];
      expect(inspected(["shop.pfx"], env(PASSPHRASE)).status).toBe(0);
      expect(inspected(["shop.pfx", ...file], env("another")).status).toBe(0);
      const piped = inspected(["shop.pfx", "--passphrase-file", "/dev/stdin"], { input: `${PASSPHRASE}\r\n` });
      expect(piped.status).toBe(0);
      const shell = spawnSync(
        "sh",
        ["-c", 'cat passphrase.txt | "$0" "$1" inspect shop.pfx --passphrase-file /dev/stdin', process.execPath, main],
        { cwd: pki.folder },
      );
      expect(shell.status).toBe(0);
      expect(codes(inspected(["shop.pfx"], env("another")))).toEqual(["error CONTAINER_ENCRYPTED"]);
      pki.write("empty-line.txt", "\n");
      expect(inspected(["old.pfx", "--passphrase-file", "empty-line.txt"]).status).toBe(0);
    });

    it("prints tables for a person", () => {
      const { status, stdout, stderr } = run([
        "inspect",
        "shop.pfx",
        "--passphrase-file",
        "passphrase.txt",
        "--hostname",
        "else.test",
      ]);
      expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
      const lines = stdout.split("\n");
      const at = lines.findIndex((line) => line.startsWith("  role"));
      expect(lines.slice(at + 1, at + 4).map((line) => line.trim().split(/ {2,}/).slice(0, 3).join("|"))).toEqual([
        'leaf|CN=shop.test, O=Shop \\"Co\\"\\; Ltd|P256',
        "intermediate|CN=Intermediate|P256",
        "root|CN=Root, O=Example\\, Inc.|P256",
      ]);
      expect(stdout).toContain("shop.test, *.shop.test, 10.0.0.5");
      expect(stdout).toMatch(/\n {2}error HOSTNAME_UNCOVERED: .*"else\.test".*\n {6}\S/);
      expect(stdout).toMatch(/\nrefused as of .*Z: 1 error\n$/);
    });

    it("shows a bundle of roots, all of them, and stays quiet when the reader has seen enough", async () => {
      pki.write("roots.pem", rootCertificates.join("\n"));
      const { status, certificates } = inspected(["roots.pem"]);
      expect([status, certificates.length]).toEqual([1, rootCertificates.length]);
      expect(new Set(certificates.map(({ role }) => role))).toEqual(new Set(["root"]));
      const child = spawn(process.execPath, [main, "inspect", "roots.pem", "--json"], { cwd: pki.folder });
      child.stdout.destroy();
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      const code = await new Promise((resolve) => child.on("close", resolve));
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    });

    it("refuses a command line that it does not understand with 2, and prints nothing on stdout", () => {
      for (const args of [
        [],
        ["look"],
        ["inspect"],
        ["inspect", "leaf.cer", "--passphrase", PASSPHRASE],
        ["inspect", "leaf.cer", `--passphrase=${PASSPHRASE}`],
      ]) {
        const { status, stdout, stderr } = run(args);
        expect({ status, stdout }, args.join(" ")).toEqual({ status: 2, stdout: "" });
        expect(stderr).toContain("Usage: tls-gateway");
      }
    });

    it("is a program that loads neither Pulumi nor zod nor YAML, and knows its version", () => {
      expect(readFileSync(main, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
      const hook = 'process.on("exit", () => process.stderr.write(Object.keys(require.cache).join("\\n")));';
      writeFileSync(join(pki.folder, "hook.cjs"), hook);
      const args = ["--require", join(pki.folder, "hook.cjs"), main, "inspect", "wrong-order.pem"];
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: pki.folder, encoding: "utf8" });
      expect(status).toBe(0);
      expect(stderr).toContain("commander");
      expect(stderr).not.toMatch(/@pulumi|[\\/](zod|yaml)[\\/]/);
      const manifest = readFileSync(join(import.meta.dirname, "../../../provider/package.json"), "utf8");
      expect(run(["--version"]).stdout.trim()).toBe((JSON.parse(manifest) as { version: string }).version);
    });
  });

  describe("fromFiles", () => {
    /** The checked arguments of the resource, which hold the chain. */
    function checked(files: CertificateFiles, passphrase?: string): Properties {
      const args = {
        ...fromFiles(files),
        hostnames: ["shop.test"],
        roots: root.pem,
        ...(passphrase !== undefined && { passphrase }),
      };
      const { inputs, failures } = certificateChain.check({}, args, new Date());
      expect(failures ?? []).toEqual([]);
      return inputs as Properties;
    }
    const path = (name: string) => join(pki.folder, name);

    it("gives the resource the same chain and key, whichever form the files had", () => {
      pki.write("combined.pem", leaf.keyPem + root.pem + leaf.pem + intermediate.pem);
      const issuers = path("issuers.pem");
      const expected = checked({ cert: path(leaf.file), key: path(leaf.keyFile), chain: issuers });
      expect(expected).toMatchObject({ certPem: leaf.pem, issuerPem: intermediate.pem, privateKeyPem: leaf.keyPem });
      const forms: [CertificateFiles, string?][] = [
        [{ cert: path("combined.pem") }],
        [{ cert: path("wrong-order.pem"), key: path("sec1.key") }],
        [{ cert: path("all.p7b"), key: path("pkcs8.key") }],
        [{ cert: path("leaf.cer"), chain: path("issuers.p7b"), key: path(leaf.keyFile) }],
        [{ cert: [path("leaf.cer"), path("issuers.p7b"), issuers], key: path("shut.key") }, PASSPHRASE],
        [{ cert: path("shop.pfx") }, PASSPHRASE],
        [{ cert: path("old.pfx") }, ""],
      ];
      for (const [files, passphrase] of forms)
        expect(checked(files, passphrase), JSON.stringify(files)).toEqual(expected);
    });
  });
});
