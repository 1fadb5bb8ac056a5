import * as cloudflare from "@pulumi/cloudflare";
import { AcmeAccount, DnsValidatedCertificate } from "pulumi-tls-gateway";

const account = new AcmeAccount("letsencrypt", {
  // when that works: "letsencrypt"
  directory: "letsencrypt-staging",
  contacts: ["ops@example.com"],
  acceptTermsOfService: true,
});

// the zone is there already
const { zoneId } = cloudflare.getZoneOutput({ filter: { name: "example.com" } });

new DnsValidatedCertificate("web", {
  account,
  hostnames: ["example.com", "*.example.com"],
  // A record of Cloudflare has one value, so there is one for each name: the apex and its wildcard have two of one name.
  record: (resourceName, { name, type, hostnames, quotedValues }, opts) =>
    hostnames.map(
      (_hostname, index) =>
        new cloudflare.DnsRecord(
          `${resourceName}-${index}`,
          {
            zoneId,
            name,
            type,
            // seconds; less is for enterprise zones
            ttl: 60,
            // In quotes, as Cloudflare keeps it: else it is shown as a mistake. There are as many values as names.
            content: quotedValues.apply((all) => all[index] ?? ""),
          },
          opts,
        ),
    ),
});
