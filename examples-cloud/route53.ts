import * as route53 from "@pulumi/aws/route53";
import { AcmeAccount, AcmeCertificate, AcmeOrder, DnsValidatedCertificate } from "pulumi-tls-gateway";

const account = new AcmeAccount("letsencrypt", {
  // when that works: "letsencrypt"
  directory: "letsencrypt-staging",
  contacts: ["ops@example.com"],
  acceptTermsOfService: true,
});

// the hosted zone is there already
const { zoneId } = route53.getZoneOutput({ name: "example.com" });

// An order, its records and the certificate in one. A name and its wildcard share a record of two values, so this makes one.
new DnsValidatedCertificate("web", {
  account,
  hostnames: ["example.com", "*.example.com"],
  record: (resourceName, { name, type, values }, opts) =>
    new route53.Record(
      resourceName,
      // the values without quotes: the AWS provider puts some around a TXT record by itself
      { zoneId, name, type, ttl: 60, records: values, allowOverwrite: true },
      opts,
    ),
});

// The same by hand, where the parts are wanted apart: the record in another account of AWS, for instance.
const order = new AcmeOrder("shop", { account, hostnames: ["shop.example.com"] });
const { name, type, values } = order.dnsRecord("shop.example.com");
const record = new route53.Record("shop", {
  ...{ zoneId, name, type, ttl: 60, records: values },
  // another client may have left a record of this name behind, which would fail here
  allowOverwrite: true,
});
// the CA is told to look when the record is there
new AcmeCertificate("shop", { order }, { dependsOn: [record] });
