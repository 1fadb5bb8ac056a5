import { z } from "zod";
import { type SiteData, siteProperties, siteUrl } from "../../gateway/model/site";
import { decoded, texts, untouched } from "../decoder";
import { siteDescription } from "../descriptions";
import type { InputIssue } from "../input/issue-text";
import { failureOf, known } from "../input/parse";
import { type CheckResult, type Failure, type Preview, type Reason, UNKNOWN } from "../lifecycle";
import { checkKnownSiteProperties, checkSiteInput } from "./schema";

/** The properties of a site, of which the reason of a step reads a few. */
const shape = {
  ...untouched(siteProperties),
  name: z.string(),
  binds: texts.exactOptional(),
  hostnames: texts.exactOptional(),
  tls: z
    .union([
      z.literal("disabled"),
      z.object({ letsEncrypt: z.object({ staging: z.boolean().exactOptional() }).exactOptional() }),
    ])
    .exactOptional(),
  url: z.string().exactOptional(),
};

const decoders = { inputs: z.object(shape), state: z.object(shape) };

type SiteInputs = z.output<typeof decoders.inputs>;

/** One site of a gateway. Nothing happens outside of the state: its worth is in its checks and its differences. */
export const site = decoded(decoders, {
  ...siteDescription,
  policyProperties: [],
  derivedProperties: () => ["url"],
  computedProperties: () => [],
  check,
  explain,
  create: async (inputs) => ({ id: inputs.name, outputs: {} }),
  update: async () => ({}),
});

function check(_olds: Preview<SiteInputs>, news: Readonly<Record<string, unknown>>): CheckResult {
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

/**
 * The gateway asks Let's Encrypt by itself, and a mistake there is counted by a limit that nobody can lift: production is
 * for names that were tried at staging.
 */
function explain(state: Preview<SiteInputs> | undefined, inputs: Preview<SiteInputs>): Reason {
  const asked = readLetsEncrypt(inputs);
  if (asked === undefined || asked.staging) return undefined;
  const before = state && readLetsEncrypt(state);
  if (before !== undefined && before.names === asked.names) return undefined;
  return {
    warning: `the gateway will ask Let's Encrypt's production for ${asked.names}, which was not tried at staging. Set tls.letsEncrypt.staging: true first, and see it work: after five failures an hour a name is refused, and five certificates a week are all that a set of names gets.`,
  };
}

function readLetsEncrypt({
  tls,
  hostnames,
  binds,
}: Preview<SiteInputs>): { names: string; staging: boolean } | undefined {
  const letsEncrypt = typeof tls === "object" ? tls.letsEncrypt : undefined;
  const names = [known(hostnames) ?? [], known(binds) ?? []].find(({ length }) => length > 0);
  if (letsEncrypt === undefined || names === undefined) return undefined;
  const hosts = names.map((name) => name.replace(/:\d+$/, ""));
  return { names: [...new Set(hosts)].sort().join(", "), staging: letsEncrypt.staging === true };
}

function renderIssue({ path, reason }: InputIssue): Failure {
  return failureOf(path || "site", reason);
}

/** The names that a certificate covers are for the check only: they would show each of its changes here again. */
function withoutCoverage(data: SiteData): Record<string, unknown> {
  const { tls } = data;
  if (tls === "disabled" || !("certificate" in tls) || !("name" in tls.certificate)) return { ...data };
  const { hostnames: _, ...certificate } = tls.certificate;
  return { ...data, tls: { certificate } };
}
