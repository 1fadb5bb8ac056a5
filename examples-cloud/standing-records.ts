import * as route53 from "@pulumi/aws/route53";
import { AcmeAccount, AcmeCertificate } from "pulumi-tls-gateway";

const account = new AcmeAccount("letsencrypt", {
  // where the CA offers dns-persist-01
  directory: "letsencrypt-staging",
  contacts: ["ops@example.com"],
  acceptTermsOfService: true,
  // After that day the CA takes the records no longer; "always" is for ever. Previews warn before.
  recordsUntil: "2027-12-31",
});

const { zoneId } = route53.getZoneOutput({ name: "example.com" });

// They say that this account may have certificates, and stay: a renewal changes nothing in the DNS. Names and types are known
// in a preview, the values as soon as there is the account.
const records = account
  .validationRecords(["example.com"], {
    // for *.example.com as well
    wildcard: true,
    // No other account and no other CA may issue. One record set holds all CAA records of a name: this takes the place of
    // what is there, so leave it out where other certificates are ordered for example.com.
    caa: true,
  })
  .map(
    ({ name, type, values }) =>
      new route53.Record(name, {
        // as they are: the AWS provider puts quotes around a TXT record by itself, and CAA has its own
        ...{ zoneId, name, type, ttl: 300, records: values },
        allowOverwrite: true,
      }),
  );

new AcmeCertificate(
  "web",
  { account, hostnames: ["example.com", "*.example.com"], challenge: { type: "dns-persist-01" } },
  { dependsOn: records },
);
