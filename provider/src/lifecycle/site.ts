import { type SiteData, siteUrl } from "../gateway/site";
import { renderFailure } from "./inputs";
import type { InputIssue } from "./issue-text";
import type { CheckResult, Failure, Lifecycle, Properties } from "./lifecycle";
import { checkKnownSiteProperties, checkSiteInput } from "./site-schema";
import { UNKNOWN } from "./unknown";

/** One site of a gateway. Nothing happens outside of the state: its worth is in its checks and its differences. */
export const site: Lifecycle = {
  name: "Site",
  secretProperties: [],
  policyProperties: [],
  derivedProperties: () => ["url"],
  computedProperties: () => [],
  check,
  create: async (inputs) => ({ id: inputs.name as string, outputs: {} }),
  update: async () => ({}),
};

function check(_olds: Properties, news: Readonly<Record<string, unknown>>): CheckResult {
  const given = Object.fromEntries(Object.entries(news).filter(([, value]) => value !== undefined && value !== null));
  const unknown = Object.keys(given).filter((property) => given[property] === UNKNOWN);
  if (unknown.length > 0) {
    const issues = checkKnownSiteProperties(given, unknown);
    if (issues.length > 0) return { failures: issues.map(renderIssue) };
    return { inputs: { ...given, url: UNKNOWN } };
  }
  const result = checkSiteInput(given);
  if ("issues" in result) {
    return { failures: result.issues.map(renderIssue) };
  }
  // `false` and `[]` are left out of the normalised site, but stay here: an output that was given is known in a preview
  return { inputs: { ...given, ...withoutCoverage(result.site), url: siteUrl(result.site) } };
}

function renderIssue({ path, reason }: InputIssue): Failure {
  return renderFailure(path || "site", reason);
}

/** The names that a certificate covers are for the check only: they would show each of its changes here again. */
function withoutCoverage(data: SiteData): Record<string, unknown> {
  const { tls } = data;
  if (tls === "disabled" || !("certificate" in tls) || !("name" in tls.certificate)) return { ...data };
  const { hostnames: _, ...certificate } = tls.certificate;
  return { ...data, tls: { certificate } };
}
