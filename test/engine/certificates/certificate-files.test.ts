// The files that a class puts together from a chain and its key: openssl reads them, and they are nowhere in clear.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, SelfSignedCA } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { describeWithPeer } from "../../support/peer";

const read = (file: string) => readFileSync(join(programFolder, "examples/quickstart/certs", file), "utf8");
const PASSWORD = "correct-horse-battery";

describeWithPeer("openssl", ({ path: openssl }) => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-files-"));
  let engine: EngineStack;
  let outputs: Awaited<ReturnType<EngineStack["outputs"]>>;

  beforeAll(async () => {
    engine = await EngineStack.create("files", async () => {
      const chain = new CertificateChain("shop", {
        certPem: read("the_certificate.crt") + read("intermediate_cert.crt"),
        privateKeyPem: pulumi.secret(read("the_certificate.key")),
      });
      const leaf = new SelfSignedCA("local").issue("leaf", { hostnames: ["app.test"], keyType: "Ed25519" });
      const password = pulumi.secret(PASSWORD);
      return {
        pfx: chain.pkcs12({ password, friendlyName: "shop" }),
        old: chain.pkcs12({ password, encryption: "legacy" }),
        ed: leaf.pkcs12({ password }),
        p7b: chain.pkcs7Pem,
        haproxy: chain.haproxyPem,
      };
    });
    await engine.up();
    outputs = await engine.outputs();
  });
  afterAll(async () => {
    const leaks = await engine.leaks([PASSWORD, outputs.pfx?.value, outputs.haproxy?.value]);
    engine.remove();
    rmSync(folder, { recursive: true });
    expect(leaks).toEqual([]);
  });

  function run(content: string | Buffer, ...args: string[]): string {
    writeFileSync(join(folder, "file"), content);
    return execFileSync(openssl, [...args, "-in", join(folder, "file")], { encoding: "utf8", stdio: "pipe" });
  }

  for (const [name, flags, certificates] of [
    ["pfx", [], 2],
    ["old", ["-legacy"], 2],
    ["ed", [], 1],
  ] as const) {
    it(`openssl opens the PKCS#12 file "${name}" with its key and whole chain`, () => {
      const output = outputs[name];
      expect(output?.secret).toBe(true);
      const file = Buffer.from(output?.value, "base64");
      const text = run(file, "pkcs12", "-nodes", "-passin", `pass:${PASSWORD}`, ...flags);
      expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(certificates);
      expect(text.match(/BEGIN PRIVATE KEY/g)).toHaveLength(1);
      expect(() => run(file, "pkcs12", "-nodes", "-passin", "pass:other", ...flags)).toThrow();
    });
  }

  it("openssl lists the whole chain of the PKCS#7 file", () => {
    const subjects = run(outputs.p7b?.value, "pkcs7", "-print_certs", "-noout").match(/^subject=.*CN = .*/gm);
    expect(subjects).toEqual([
      expect.stringContaining("shop.example.com"),
      expect.stringContaining("Example Intermediate"),
    ]);
  });

  it("HAProxy's file is chain and key, and secret", () => {
    expect(outputs.haproxy?.secret).toBe(true);
    expect(outputs.haproxy?.value).toBe(
      read("the_certificate.crt") + read("intermediate_cert.crt") + read("the_certificate.key"),
    );
  });

  it("all of it is the same at the second run, and nothing changes", async () => {
    const second = await engine.up();
    expect(second.changes).toEqual({ same: 3 });
    expect(await engine.outputs()).toEqual(outputs);
  });
});
