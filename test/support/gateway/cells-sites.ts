// Guards: sites in tests that a program could not have written; every one goes through the schema first.
import type { SiteData } from "../../../provider/src/gateway/model/site";
import { checkSiteListInput } from "../../../provider/src/lifecycle/site/schema";

/** Sites in canonical form; a test with bad input fails here by what is wrong. */
export function acceptedSites(...inputs: readonly object[]): readonly SiteData[] {
  const result = checkSiteListInput(inputs);
  if ("issues" in result) throw new Error(result.issues.map(({ path, reason }) => `${path}: ${reason}`).join("\n"));
  return result.sites;
}
