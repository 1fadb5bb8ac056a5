// The whole way: a program on the real engine, its outputs written to disk as they say, and the Caddy that Cells embeds
// serving them to real clients; then a renewal, by a plain up, and the new certificate is served.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, Gateway, type GatewayFile, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { startCaddy } from "../../support/gateway/caddy";
import { renderCaddyfile } from "../../support/gateway/cells-caddyfile";
import { handshake, request } from "../../support/gateway/loopback-client";
import { describeWithPeer } from "../../support/peer";
import { freePorts } from "../../support/ports";

const read = (file: string) => readFileSync(join(programFolder, "examples/quickstart/certs", file), "utf8");

describeWithPeer("caddy", (caddy) => {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-served-"));
  let engine: EngineStack;
  let stop: (() => Promise<void>) | undefined;
  let ports = { http: 0, https: 0, proxied: 0, plain: 0 };
  let hostnames = ["cells.internal", "127.0.0.1"];

  beforeAll(async () => {
    const [http = 0, https = 0, proxied = 0, plain = 0] = await freePorts(4);
    ports = { http, https, proxied, plain };
    engine = await EngineStack.create("served", async () => {
      const ca = new SelfSignedCA("local", { nameConstraints: { permittedDnsDomains: ["internal"] } });
      const cells = new Site("cells", { binds: [`:${proxied}`], hostnames, tls: { selfSigned: { ca } } });
      const certificate = new CertificateChain("shop", {
        // root first and the intermediate missing from its file: the order is ours to find
        certPem: read("root.crt") + read("the_certificate.crt"),
        issuerPem: read("intermediate_cert.crt"),
        privateKeyPem: pulumi.secret(read("the_certificate.key")),
        roots: read("root.crt"),
      });
      const proxy = ca.issue("proxy", { hostnames: ["proxy.internal"], keyType: "RSA2048" });
      const gateway = new Gateway("gateway", {
        kind: "cells",
        options: { workingDirectory: folder },
        sites: [
          cells,
          { name: "shop", binds: ["shop.example.com:443"], tls: { certificate }, redirectToHttps: true },
          { name: "proxy", binds: ["proxy.internal:443"], tls: { certificate: proxy } },
          { name: "shut", binds: [`shut.test:${plain}`], tls: "disabled", maintenance: { except: ["192.0.2.1"] } },
          { name: "open", binds: [`open.test:${plain}`], tls: "disabled", maintenance: { except: ["127.0.0.0/8"] } },
        ],
      });
      const { configuration, files, fileList } = gateway;
      return { configuration, files, fileList, rootPem: ca.certPem };
    });
    await deploy();
  });

  afterAll(async () => {
    await stop?.();
    const leaks = await engine.leaks();
    engine.remove();
    rmSync(folder, { recursive: true, force: true });
    expect(leaks).toEqual([]);
  });

  let rootPem = "";

  /** Applies the program and does what its outputs say. */
  async function deploy(): Promise<void> {
    await engine.up();
    const outputs = await engine.outputs();
    rootPem = outputs.rootPem?.value;
    const contents = outputs.files?.value as Record<string, string>;
    const list = outputs.fileList?.value as GatewayFile[];
    expect(Object.keys(contents).sort()).toEqual(list.map((file) => file.path).sort());
    for (const { path, mode } of list) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, contents[path] as string, { mode: Number.parseInt(mode, 8) });
    }
    await stop?.();
    const sandbox = { httpPort: ports.http, httpsPort: ports.https };
    const served = await startCaddy(
      caddy,
      folder,
      renderCaddyfile(outputs.configuration?.value, join(folder, "certs"), sandbox),
    );
    stop = served.stop;
  }

  it("serves the custom certificate with its intermediate: the root alone verifies it", async () => {
    expect(await handshake(ports.https, "shop.example.com", read("root.crt"))).toMatchObject({ error: null });
  });

  it("serves the leaf of a local CA for another name on the same port", async () => {
    const { error, names } = await handshake(ports.https, "proxy.internal", rootPem);
    expect(error).toBeNull();
    expect(names).toBe("DNS:proxy.internal");
  });

  it("serves the leaf that was placed where Cells would make its own, and a proxy verifies it by the root", async () => {
    const { error, names } = await handshake(ports.proxied, "cells.internal", rootPem);
    expect(error).toBeNull();
    expect(names).toBe("IP Address:127.0.0.1, DNS:cells.internal");
  });

  it("is refused by who trusts another root", async () => {
    expect((await handshake(ports.proxied, "cells.internal", read("root.crt"))).error).not.toBeNull();
  });

  it("redirects HTTP to HTTPS with path and query", async () => {
    const { status, location } = await request(ports.http, "shop.example.com", "/ws?x=1");
    expect(status).toBe(301);
    expect(location).toBe("https://shop.example.com/ws?x=1");
  });

  it("turns clients away in maintenance, but for those excepted", async () => {
    expect((await request(ports.plain, "shut.test", "/")).location).toBe("/maintenance.html");
    expect(await request(ports.plain, "open.test", "/")).toMatchObject({ status: 200 });
  });

  it("serves a new certificate after an up that changed its names", async () => {
    hostnames = [...hostnames, "files.internal"];
    await deploy();
    const { error, names } = await handshake(ports.proxied, "files.internal", rootPem);
    expect(error).toBeNull();
    expect(names).toContain("DNS:files.internal");
  });
});
