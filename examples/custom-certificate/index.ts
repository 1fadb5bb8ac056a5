import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, fromFiles, Gateway, Site } from "pulumi-tls-gateway";
import { ensureCertificates } from "./certs.ts";
import { writeNginx } from "./nginx.ts";

const config = new pulumi.Config();
const port = config.requireNumber("port");

ensureCertificates("certs");
const roots = readFileSync("certs/root.crt", "utf8");

// A certificate in DER, its intermediates as PKCS#7, and the key in a file of its own.
const shop = new CertificateChain("shop", {
  ...fromFiles({ cert: "certs/shop.cer", chain: "certs/shop-intermediates.p7b", key: "certs/shop.key" }),
  roots,
  hostnames: ["shop.example.com", "www.shop.example.com"],
});

// Everything in one PKCS#12 file. Of a real one, the password is `config.requireSecret("wikiPassword")`.
const wiki = new CertificateChain("wiki", {
  ...fromFiles({ cert: "certs/wiki.pfx" }),
  passphrase: pulumi.secret(readFileSync("certs/wiki.password", "utf8").trim()),
  roots,
  hostnames: ["wiki.example.com"],
});

// The text of a mail: PEM in the wrong order, with the root; and a key in the traditional form.
const filesCertificate = new CertificateChain("files", {
  ...fromFiles({ cert: "certs/files.txt", key: "certs/files.key" }),
  roots,
  hostnames: ["files.example.com"],
});

// Pydio Cells, with a certificate of its own, behind nginx.
const gateway = new Gateway("gateway", {
  kind: "cells",
  sites: [
    new Site("files", {
      binds: [`files.example.com:${config.requireNumber("cellsPort")}`],
      externalUrl: `https://files.example.com:${port}`,
      tls: { certificate: filesCertificate },
    }),
  ],
});

// One nginx in front of all three.
const served = (chain: CertificateChain) =>
  pulumi
    .all([chain.names, chain.fullChainPem, chain.privateKeyPem])
    .apply(([hostnames, fullcert, key = ""]) => ({ hostnames, fullcert, key }));
const written = pulumi
  .all({ shop: served(shop), wiki: served(wiki), files: served(filesCertificate) })
  .apply((sites) => {
    if (!pulumi.runtime.isDryRun()) writeNginx("nginx", port, sites);
    return "nginx -p examples/custom-certificate/nginx -e error.log -c nginx.conf";
  });

export const chain = filesCertificate.chain.apply((members) =>
  members.map(({ subject, issuer, validTo }) => ({ subject, issuer, validTo })),
);
export const tlsaRecords = shop
  .tlsaRecords({ port })
  .apply((records) => records.map(({ name, type, value }) => ({ name, type, value })));
export const { configuration, files, firewallPorts, renewals } = gateway;
// the command is made from keys, and shows none
export const nginxCommand = pulumi.unsecret(written);
