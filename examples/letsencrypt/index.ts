import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate, Gateway, Site } from "pulumi-tls-gateway";

const config = new pulumi.Config();
const caBundle = config.get("caBundle");

const account = new AcmeAccount("ca", {
  // Let's Encrypt: "letsencrypt-staging"; when that works, "letsencrypt" (in Pulumi.yaml).
  directory: config.require("directory"),
  // Let's Encrypt: not needed, its server is trusted by Node. A CA of your own: what it is verified by.
  ...(caBundle !== undefined && { caBundlePem: readFileSync(caBundle, "utf8") }),
  // Let's Encrypt: your address.
  contacts: ["ops@example.com"],
  // You have read what the CA asks for: the output termsOfServiceUrl.
  acceptTermsOfService: true,
});

const certificate = new AcmeCertificate("cells", {
  account,
  // Let's Encrypt: your names, which lead to this machine.
  hostnames: ["cells.example.com", "files.example.com"],
  // Let's Encrypt: { type: "http-01" } listens on port 80 of all addresses while the CA looks; where a web server has that
  // port already, { type: "http-01", webroot: "/var/www/html" } puts files into the folder that it serves.
  challenge: { type: "http-01", port: config.requireNumber("challengePort"), address: "127.0.0.1" },
});

const cells = new Site("cells", {
  binds: ["0.0.0.0:8443"],
  hostnames: ["cells.example.com", "files.example.com"],
  externalUrl: "https://cells.example.com",
  tls: { certificate },
});
const gateway = new Gateway("gateway", { kind: "cells", sites: [cells] });

export const { termsOfServiceUrl } = account;
export const { renewAt, renewalReason, serialNumber } = certificate;
// many CAs leave the subject empty, and the names alone say whose a certificate is
export const chain = pulumi
  .all([certificate.chain, certificate.names])
  .apply(([members, names]) =>
    members.map(({ subject, issuer, validTo }) => ({ certificate: subject || names, issuer, validTo })),
  );
export const { configuration, files, firewallPorts, renewals } = gateway;
