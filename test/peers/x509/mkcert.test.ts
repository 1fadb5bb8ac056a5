// mkcert uses our CA's files under its own names, and we adopt the CA that mkcert made.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { leafCertificate } from "../../../provider/src/lifecycle/local/leaf-certificate";
import { selfSignedCa } from "../../../provider/src/lifecycle/local/self-signed-ca";
import { findCaroot, readMkcertFiles } from "../../../provider/src/resources/certificate/mkcert-files";
import { keyTypes } from "../../../provider/src/x509/keys/private-key";
import { describeWithPeer } from "../../support/peer";

const now = () => new Date();
const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-mkcert-"));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function checked(lifecycle: typeof selfSignedCa, args: Properties): Properties {
  const result = lifecycle.check({}, args, now());
  expect(result.failures ?? []).toEqual([]);
  return result.inputs as Properties;
}

async function makeCa(args: Properties): Promise<Properties> {
  const inputs = checked(selfSignedCa, args);
  return { ...inputs, ...(await selfSignedCa.create(inputs, { now: now() })).outputs };
}

async function makeLeaf(ca: Properties, hostnames: readonly string[]): Promise<Properties> {
  const inputs = checked(leafCertificate, {
    hostnames,
    caCertPem: ca.certPem,
    caPrivateKeyPem: ca.privateKeyPem,
  });
  return { ...inputs, ...(await leafCertificate.create(inputs, { now: now() })).outputs };
}

function verify(folder: string, root: string, leaf: string, host: string): string {
  const args = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host];
  return execFileSync("openssl", [...args, "-CAfile", join(folder, root), join(folder, leaf)], { encoding: "utf8" });
}

describeWithPeer("mkcert", ({ path: mkcert }) => {
  const issue = (folder: string, ...args: string[]) =>
    execFileSync(mkcert, ["-cert-file", join(folder, "leaf.pem"), "-key-file", join(folder, "leaf-key.pem"), ...args], {
      env: { ...process.env, CAROOT: folder },
      stdio: "pipe",
    });

  for (const keyType of keyTypes) {
    it(`issues from our ${keyType} CA, with a server and a client certificate that openssl accepts`, async () => {
      const folder = newFolder();
      const ca = await makeCa({ subject: { commonName: `Root ${keyType}` }, keyType });
      writeFileSync(join(folder, "rootCA.pem"), ca.certPem as string);
      writeFileSync(join(folder, "rootCA-key.pem"), ca.privateKeyPem as string, { mode: 0o600 });
      issue(folder, "app.test", "10.0.0.5");
      expect(verify(folder, "rootCA.pem", "leaf.pem", "app.test")).toContain("OK");
      issue(folder, "-ecdsa", "-client", "app.test");
      expect(verify(folder, "rootCA.pem", "leaf.pem", "app.test")).toContain("OK");
      expect(readFileSync(join(folder, "rootCA.pem"), "utf8")).toBe(ca.certPem);
    });
  }

  for (const flags of [[], ["-ecdsa"]]) {
    it(`made a CA ${flags.join(" ")} that we adopt and issue from`, async () => {
      const folder = newFolder();
      issue(folder, ...flags, "other.test");
      const files = readMkcertFiles(findCaroot(undefined, { platform: process.platform, env: { CAROOT: folder } }));
      const ca = await makeCa({ ...files });
      expect([ca.certPem, ca.privateKeyPem]).toEqual([files.certPem, files.privateKeyPem]);
      const leaf = await makeLeaf(ca, ["app.test", "*.app.test"]);
      writeFileSync(join(folder, "ours.pem"), leaf.certPem as string);
      expect(verify(folder, "rootCA.pem", "ours.pem", "www.app.test")).toContain("OK");
      expect(() => verify(folder, "rootCA.pem", "ours.pem", "else.test")).toThrow();
    });
  }

  it.each<NodeJS.ProcessEnv>([
    { HOME: "/home/me" },
    { HOME: "/home/me", XDG_DATA_HOME: "/data/of me" },
    { HOME: "/home/me", XDG_DATA_HOME: "/data", CAROOT: "/my//roots/" },
    { HOME: "/home/me", XDG_DATA_HOME: "", CAROOT: "" },
    { XDG_DATA_HOME: "/data/../x/" },
    { HOME: "me/" },
    { CAROOT: "roots" },
  ])("keeps its CA where we look for it, with %j", (env) => {
    const printed = execFileSync(mkcert, ["-CAROOT"], { env, encoding: "utf8" });
    expect(findCaroot(undefined, { platform: process.platform, env }).folder).toBe(printed.replace(/\n$/, ""));
  });

  it("knows no folder where we know none", () => {
    expect(execFileSync(mkcert, ["-CAROOT"], { env: {}, encoding: "utf8" })).toBe("\n");
    expect(() => findCaroot(undefined, { platform: process.platform, env: {} })).toThrow(/^FILE_UNREADABLE/);
  });

  it("issues nothing from a CA without its key, and we adopt none", () => {
    const folder = newFolder();
    issue(folder, "app.test");
    rmSync(join(folder, "rootCA-key.pem"));
    expect(() => issue(folder, "app.test")).toThrow(/the CA key \(rootCA-key\.pem\) is missing/);
    expect(() => readMkcertFiles({ folder, origin: "a test" })).toThrow(/holds rootCA\.pem but no rootCA-key\.pem/);
  });
});

describeWithPeer("keytool", ({ path: keytool }) => {
  it("reads a leaf of ours, and takes our root into a trust store and back unchanged", async () => {
    const folder = newFolder();
    const ca = await makeCa({ subject: { commonName: "Root, for Java", organization: "Ünï" } });
    const leaf = await makeLeaf(ca, ["app.test", "10.0.0.5"]);
    const [root, file, store] = ["root.pem", "leaf.pem", "trust.p12"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(root, ca.certPem as string);
    writeFileSync(file, leaf.certPem as string);
    const run = (...args: string[]) => execFileSync(keytool, args, { encoding: "utf8", stdio: "pipe" });
    const printed = run("-printcert", "-file", file);
    for (const fact of ["DNSName: app.test", "IPAddress: 10.0.0.5", "serverAuth"]) expect(printed).toContain(fact);
    const keystore = ["-keystore", store, "-storepass", "changeit", "-alias", "root"];
    run("-importcert", "-noprompt", "-file", root, ...keystore);
    const exported = run("-exportcert", "-rfc", ...keystore).replace(/\r/g, "");
    expect(exported.trim()).toBe((ca.certPem as string).trim());
  });
});
