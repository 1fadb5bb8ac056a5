import * as acm from "@pulumi/aws/acm";
import * as route53 from "@pulumi/aws/route53";
import { AcmeAccount, DnsValidatedCertificate } from "pulumi-tls-gateway";

const account = new AcmeAccount("letsencrypt", {
  // when that works: "letsencrypt"
  directory: "letsencrypt-staging",
  contacts: ["ops@example.com"],
  acceptTermsOfService: true,
});

const { zoneId } = route53.getZoneOutput({ name: "example.com" });

const { certificate } = new DnsValidatedCertificate("web", {
  account,
  hostnames: ["web.example.com"],
  record: (resourceName, { name, type, values }, opts) =>
    new route53.Record(resourceName, { zoneId, name, type, ttl: 60, records: values, allowOverwrite: true }, opts),
});

// A renewal is imported into the same ARN, in place: load balancers and distributions that use it go on with the new one.
new acm.Certificate("web", {
  // CloudFront takes certificates of this region alone; a load balancer, those of its own
  region: "us-east-1",
  privateKey: certificate.privateKeyPem,
  // the certificate alone, and the intermediates apart: ACM refuses a whole chain here
  certificateBody: certificate.certPem,
  certificateChain: certificate.issuerPem,
});
