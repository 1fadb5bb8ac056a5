import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate } from "pulumi-tls-gateway";
import { DnsRecord } from "../dns-validated/dns-record.ts";

const config = new pulumi.Config();
const caBundle = config.get("caBundle");
const dnsAddress = config.get("dnsAddress");
const dnsApi = config.get("dnsApi") ?? "";

const account = new AcmeAccount("ca", {
  // Let's Encrypt: "letsencrypt-staging" (in Pulumi.yaml).
  directory: config.require("directory"),
  // Let's Encrypt: not needed, its server is trusted by Node. A CA of your own: what it is verified by.
  ...(caBundle !== undefined && { caBundlePem: readFileSync(caBundle, "utf8") }),
  // Let's Encrypt: your address.
  contacts: ["ops@example.com"],
  // You have read what the CA asks for: the output termsOfServiceUrl.
  acceptTermsOfService: true,
  // From that day on the CA takes the records no longer; previews warn before. "always" is for ever.
  recordsUntil: "2036-12-31",
});

// They say that this account may have certificates for the name and its wildcard, and stay. Let's Encrypt: your name.
const validationRecords = account.validationRecords(["example.com"], { wildcard: true });

const records = validationRecords.map(
  ({ name, type, values }) =>
    // Let's Encrypt: the resource of your DNS provider, which has your credentials already. Route 53:
    //   new aws.route53.Record(name, { zoneId, name, type, ttl: 300, records: values })
    // examples-cloud/standing-records.ts is that program, with CAA records.
    new DnsRecord(name, { api: dnsApi, name, type, values }),
);

const certificate = new AcmeCertificate(
  "web",
  {
    account,
    hostnames: ["example.com", "*.example.com"],
    challenge: {
      type: "dns-persist-01",
      // Let's Encrypt: not needed, the records are looked for at the zone's own servers.
      ...(dnsAddress !== undefined && { propagation: { resolvers: [dnsAddress], authoritative: false } }),
    },
  },
  // in the first run they are made before the CA looks
  { dependsOn: records },
);

export const { accountUrl } = account;
export const { names, serialNumber, validatedBy, renewAt, renewalReason } = certificate;
export const record = validationRecords.map(({ name, type, values }) => ({
  name,
  type,
  value: values.apply((all) => all.join(", ")),
}));
