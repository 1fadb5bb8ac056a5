// nginx and HAProxy serve the files that come out of our certificates, and a client that knows the root alone accepts them.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, describe, expect, it } from "vitest";
import { certificateChain } from "../../../provider/src/lifecycle/chain/certificate-chain";
import { leafCertificate } from "../../../provider/src/lifecycle/local/leaf-certificate";
import { renderHaproxyPem } from "../../../provider/src/resources/certificate/files";
import { checked, created, issuer } from "../../support/engine/lifecycle";
import { resolved } from "../../support/engine/mocks";
import { startHaproxy } from "../../support/gateway/haproxy";
import { type ListeningServer, startNginx } from "../../support/gateway/nginx";
import { describeWithPeer, type Peer } from "../../support/peer";
import { caExtensions, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

const HOST = "shop.test";

/** What a gateway is given, and what its clients have to see. */
interface Case {
  readonly fullChainPem: string;
  readonly privateKeyPem: string;
  readonly rootPem: string;
  /** PEM of each certificate in the order of sending. */
  readonly expected: readonly string[];
}

/** The chain leaf, two intermediates, root; given shuffled and whole, with the key in the form that openssl calls traditional. */
function chainCase(key: string): Case {
  const pki = new OpensslPki();
  try {
    const root = pki.issue("Root", { key, extensions: caExtensions() });
    const upper = pki.issue("Upper", { key, issuer: root, extensions: caExtensions(1) });
    const lower = pki.issue("Lower", { key, issuer: upper, extensions: caExtensions(0) });
    const leaf = pki.issue("shop", { key, issuer: lower, extensions: leafExtensions(`DNS:${HOST}`) });
    const given = {
      certPem: upper.pem + root.pem + leaf.pem + lower.pem,
      privateKeyPem: pki.run(["pkey", "-traditional", "-in", leaf.keyFile]),
      roots: root.pem,
      hostnames: [HOST],
    };
    const { certPem, issuerPem, privateKeyPem } = checked(certificateChain, given, new Date());
    const expected = [leaf, lower, upper].map((pair) => pair.pem);
    // as CertificateChain puts it together
    const fullChainPem = `${certPem}${issuerPem}`;
    return { fullChainPem, privateKeyPem: privateKeyPem as string, rootPem: root.pem, expected };
  } finally {
    pki.remove();
  }
}

/** The leaf of a local root, which is its whole chain. */
async function leafCase(keyType: string): Promise<Case> {
  const now = new Date();
  const { caCertPem, caPrivateKeyPem } = await issuer({ keyType }, now);
  const { state } = await created(leafCertificate, { hostnames: [HOST], keyType, caCertPem, caPrivateKeyPem }, now);
  const certPem = state.certPem as string;
  return {
    fullChainPem: certPem,
    privateKeyPem: state.privateKeyPem as string,
    rootPem: caCertPem,
    expected: [certPem],
  };
}

const cases: Readonly<Record<string, () => Case | Promise<Case>>> = {
  "a P-256 chain": () => chainCase("-algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
  "an RSA 2048 chain": () => chainCase("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
  "a P256 leaf of a local root": () => leafCase("P256"),
  "an RSA2048 leaf of a local root": () => leafCase("RSA2048"),
};

/** Starts a gateway on the files of a certificate, which it finds in the folder. */
type Start = (folder: string, certificate: Case) => Promise<ListeningServer>;

describeWithPeer("openssl", (openssl) => {
  describeWithPeer("nginx", (nginx) => {
    serves(openssl, async (folder, { fullChainPem, privateKeyPem }) => {
      writeFileSync(join(folder, "fullchain.pem"), fullChainPem);
      writeFileSync(join(folder, "key.pem"), privateKeyPem, { mode: 0o600 });
      const files = "ssl_certificate fullchain.pem; ssl_certificate_key key.pem;";
      return startNginx(
        nginx,
        folder,
        (port) => `server { listen 127.0.0.1:${port} ssl; ${files} return 200 served; }`,
      );
    });
  });

  describeWithPeer("haproxy", (haproxy) => {
    serves(openssl, async (folder, { fullChainPem, privateKeyPem }) => {
      const source = { fullChainPem: pulumi.output(fullChainPem), privateKeyPem: pulumi.output(privateKeyPem) };
      writeFileSync(join(folder, "site.pem"), await resolved(renderHaproxyPem(source)), { mode: 0o600 });
      const answer = "http-request return status 200 content-type text/plain string served";
      return startHaproxy(
        haproxy,
        folder,
        (port) => `frontend site\n  bind 127.0.0.1:${port} ssl crt site.pem\n  ${answer}`,
      );
    });
  });
});

function serves(openssl: Peer, start: Start): void {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** What openssl sees at a gateway that was given these files; fails when it does not verify. */
  async function connectTo(certificate: Case): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "tls-gateway-served-"));
    folders.push(folder);
    const root = join(folder, "root.pem");
    writeFileSync(root, certificate.rootPem);
    const server = await start(folder, certificate);
    try {
      const trust = ["-CAfile", root, "-no-CApath", "-no-CAstore", "-verify_return_error", "-x509_strict"];
      const names = ["-servername", HOST, "-verify_hostname", HOST];
      const options = [
        "s_client",
        "-connect",
        `127.0.0.1:${server.port}`,
        "-showcerts",
        "-ign_eof",
        ...names,
        ...trust,
      ];
      const request = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`;
      return execFileSync(openssl.path, options, { input: request, encoding: "utf8", stdio: "pipe", timeout: 30_000 });
    } finally {
      await server.stop();
    }
  }

  describe.each(Object.entries(cases))("%s", (_, make) => {
    it("is served whole, in order and without its root, and verified by the root alone", async () => {
      const certificate = await make();
      const seen = await connectTo(certificate);
      const sent = seen.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
      expect(sent.map(fingerprint)).toEqual(certificate.expected.map(fingerprint));
      expect(sent.map(fingerprint)).not.toContain(fingerprint(certificate.rootPem));
      expect(seen).toMatch(/^Verification: OK$/m);
      expect(seen).toMatch(/^Verified peername: shop\.test$/m);
      expect(seen).toMatch(/Verify return code: 0 \(ok\)/);
      expect(seen).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*served/m);
    });
  });

  it("without its intermediates a chain is refused", async () => {
    const certificate = chainCase("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    const leafAlone = { ...certificate, fullChainPem: certificate.expected[0] as string };
    await expect(connectTo(leafAlone)).rejects.toThrow(/unable to get local issuer certificate/);
  });

  it("with the key of another certificate, the gateway does not start", async () => {
    const certificate = await leafCase("P256");
    const { privateKeyPem } = await leafCase("P256");
    await expect(connectTo({ ...certificate, privateKeyPem })).rejects.toThrow(
      /does not listen.*(key values mismatch|inconsistencies between private key and certificate)/s,
    );
  });
}

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}
