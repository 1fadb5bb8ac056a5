// What scripts/lib/run-example.mjs does for this example: it plays the CA, and the DNS that it asks. No part of a real set-up.
import type { ExampleSession } from "../../scripts/lib/run-example.mjs";
import { playTwoRuns } from "../letsencrypt/two-runs.ts";

export function around(session: ExampleSession): Promise<void> {
  return playTwoRuns(session, {
    name: "dns-validated",
    folder: import.meta.dirname,
    caOptions: (config) => ({ dnsAddress: config("dnsAddress"), dnsApi: config("dnsApi") }),
    renewal: "the CA now says that the certificate is to be renewed at once",
  });
}
