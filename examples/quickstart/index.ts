import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { CertificateChain, Gateway, SelfSignedCA, Site } from "pulumi-tls-gateway";

const read = (file: string) => readFileSync(`certs/${file}`, "utf8");

// Behind a reverse proxy: Cells speaks TLS to the proxy with a certificate of a local root, which the proxy trusts.
const ca = new SelfSignedCA("local", {
  nameConstraints: { permittedDnsDomains: ["internal"], permittedIpRanges: ["10.0.0.0/8"] },
});
const cells = new Site("cells", {
  binds: ["0.0.0.0:8443"],
  hostnames: ["cells.internal", "10.0.0.5"],
  externalUrl: "https://cells.example.com",
  tls: { selfSigned: { ca } },
});

// A certificate of your own, with the intermediate that its CA mailed beside it.
const certificate = new CertificateChain("shop", {
  certPem: read("the_certificate.crt"),
  issuerPem: read("intermediate_cert.crt"),
  privateKeyPem: pulumi.secret(read("the_certificate.key")),
  roots: read("root.crt"),
  hostnames: ["shop.example.com"],
});
const shop = new Site("shop", {
  binds: ["shop.example.com:443"],
  tls: { certificate },
  redirectToHttps: true,
});

const gateway = new Gateway("gateway", {
  kind: "cells",
  sites: [
    cells,
    shop,
    // A site can be plain data. This one has no TLS, is in maintenance but for the office, and serves two routes.
    {
      name: "intranet",
      binds: ["intranet.example.com:8080"],
      tls: "disabled",
      maintenance: { except: ["10.0.0.0/8"] },
      routing: [
        { route: "public", effect: "allow", rewrite: "/p" },
        { route: "ui", effect: "allow" },
      ],
    },
  ],
});

export const configuration = gateway.configuration;
export const firewallPorts = gateway.firewallPorts;
export const renewals = gateway.renewals;
export const files = gateway.files;
