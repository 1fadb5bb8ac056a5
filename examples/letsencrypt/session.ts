// What scripts/lib/run-example.mjs does for this example: it plays the CA and its customer for two runs. No part of a real set-up.
import type { ExampleSession } from "../../scripts/lib/run-example.mjs";
import { playTwoRuns } from "./two-runs.ts";

export function around(session: ExampleSession): Promise<void> {
  return playTwoRuns(session, {
    name: "letsencrypt",
    folder: import.meta.dirname,
    caOptions: (config) => ({ challengePort: Number(config("challengePort")) }),
    renewal: "the CA now says that the certificate is to be renewed at once",
  });
}
