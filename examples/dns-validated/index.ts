import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, DnsValidatedCertificate, Gateway, Site } from "pulumi-tls-gateway";
import { DnsRecord } from "./dns-record.ts";

const config = new pulumi.Config();
const caBundle = config.get("caBundle");
const dnsAddress = config.get("dnsAddress");
const dnsApi = config.get("dnsApi") ?? "";

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

const web = new DnsValidatedCertificate("web", {
  account,
  // Let's Encrypt: your names. The first two are proved by one record of two values, the third by one of its own.
  hostnames: ["example.com", "*.example.com", "www.example.com"],
  // Let's Encrypt: the resource of your DNS provider, which has your credentials already. Route 53:
  //   new aws.route53.Record(resourceName, { zoneId, name, type, ttl: 60, records: values }, opts)
  // Cloudflare has a resource for each value: examples-cloud/cloudflare.ts.
  record: (resourceName, { name, type, values }, opts) =>
    new DnsRecord(resourceName, { api: dnsApi, name, type, values }, opts),
  // Let's Encrypt: not needed, the records are looked for at the zone's own servers before the CA is told.
  ...(dnsAddress !== undefined && { propagation: { resolvers: [dnsAddress], authoritative: false } }),
});

const cells = new Site("cells", {
  binds: ["0.0.0.0:8443"],
  hostnames: ["cells.example.com", "example.com", "www.example.com"],
  externalUrl: "https://cells.example.com",
  tls: { certificate: web.certificate },
});
const gateway = new Gateway("gateway", { kind: "cells", sites: [cells] });

export const { serialNumber, validatedBy } = web.certificate;
export const { renewAt, renewalReason } = web.order;
export const records = web.order.dnsRecords.apply((all) =>
  all.map(({ name, type, values, hostnames }) => ({ record: name, type, values: values.length, proves: hostnames })),
);
export const { configuration, files, firewallPorts, renewals } = gateway;
