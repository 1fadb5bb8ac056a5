import { z } from "zod";
import { parseBind, renderBind } from "../../gateway/model/bind";
import { checkSite } from "../../gateway/model/checks";
import { parseCondition } from "../../gateway/model/condition";
import {
  parseAddressRange,
  parseEmailAddress,
  parseExternalUrl,
  parseHeaderName,
  parseHeaderValue,
  parseName,
  parseRewrite,
  parseRoute,
  parseServerPath,
  parseSiteHostname,
} from "../../gateway/model/fields";
import { headerActions, type SiteData, sortedSet } from "../../gateway/model/site";
import { findExcess, type InputLimits } from "../input/guard";
import { describeInput, type InputIssue, renderIssues } from "../input/issue-text";
import { flag, text } from "../input/schema";
import { MAX_SECONDS, proxyProperties } from "./proxy-schema";
import { siteWords } from "./words";

/** Either the site in canonical form, or everything that is wrong with it. */
export type SiteInput = { readonly site: SiteData } | { readonly issues: readonly InputIssue[] };

/** Either the sites in canonical form, in the given order, or everything that is wrong with them. */
export type SiteListInput = { readonly sites: readonly SiteData[] } | { readonly issues: readonly InputIssue[] };

/** The longest text is a header's value; 8 KiB is what Apache and nginx take for a whole header line. */
const siteLimits: InputLimits = { text: 8192, entries: 1000, properties: 100, depth: 6, values: 20_000 };
/** Twice the largest fleet that is measured (test/bench). */
const MOST_SITES = 20_000;
/** Sites with problems that are told of at once. */
const MOST_FAULTY_SITES = 10;

/**
 * Judges one site as a program gives it: shape, names, addresses, contradictions inside the site. Accepts its own result
 * unchanged. Never throws, whatever the input. Not checked: what a kind of gateway can't do, and other sites.
 */
export function checkSiteInput(input: unknown): SiteInput {
  return guarded(input, (): SiteInput => {
    const result = siteSchema.safeParse(input, { reportInput: true });
    if (!result.success) return { issues: renderIssues(result.error.issues, siteWords) };
    const site = canonicalSite(result.data);
    const findings = checkSite(site);
    if (findings.length > 0) return { issues: findings.map(({ property, reason }) => ({ path: property, reason })) };
    return { site };
  });
}

/**
 * Judges what is known of a site in a preview: the properties whose values are not known yet are left alone, and so is all
 * that needs two properties. Never throws.
 */
export function checkKnownSiteProperties(
  input: Readonly<Record<string, unknown>>,
  unknown: readonly string[],
): readonly InputIssue[] {
  const hidden = unknown.filter((name) => Object.hasOwn(siteSchema.shape, name));
  const known = Object.fromEntries(Object.entries(input).filter(([name]) => !hidden.includes(name)));
  const judged = guarded(known, () => {
    const result = siteSchema.safeParse(known, { reportInput: true });
    const issues = result.error?.issues.filter((issue) => !unknown.includes(String(issue.path[0]))) ?? [];
    return { issues: renderIssues(issues, siteWords) };
  });
  return judged.issues;
}

/**
 * Judges a list of sites, each as {@link checkSiteInput} does, with paths such as `sites[3].binds[0]`. Never throws. Not
 * checked: sites of the same name, which the kinds of gateways refuse.
 */
export function checkSiteListInput(input: unknown): SiteListInput {
  if (!Array.isArray(input)) {
    return { issues: [{ path: "sites", reason: `found ${describeInput(input)}, expected a list of sites` }] };
  }
  if (input.length > MOST_SITES) {
    return {
      issues: [
        { path: "sites", reason: `found ${input.length} sites, expected at most ${MOST_SITES}: use several gateways` },
      ],
    };
  }
  const sites: SiteData[] = [];
  const issues: InputIssue[] = [];
  let faulty = 0;
  for (let index = 0; index < input.length && faulty < MOST_FAULTY_SITES; index++) {
    const result = checkSiteInput(input[index]);
    if ("site" in result) {
      sites.push(result.site);
      continue;
    }
    faulty += 1;
    for (const { path, reason } of result.issues) {
      const separator = path === "" || path.startsWith("[") ? "" : ".";
      issues.push({ path: `sites[${index}]${separator}${path}`, reason });
    }
  }
  return faulty > 0 ? { issues } : { sites };
}

type Issues = { readonly issues: readonly InputIssue[] };

/** Refuses what is too large before it is judged, and what can't even be read: an accessor or a proxy that throws. */
function guarded<Result>(input: unknown, judge: () => Result): Result | Issues {
  try {
    const excess = findExcess(input, siteLimits);
    return excess === undefined ? judge() : { issues: [excess] };
  } catch (error) {
    const name = error instanceof Error ? error.name : "it throws";
    return { issues: [{ path: "", reason: `the site can't be read: ${name}` }] };
  }
}

const hostname = text(parseSiteHostname);
const port = z.int().min(1).max(65535);

const certificate = z
  .strictObject({
    name: text(parseName).optional(),
    hostnames: z.array(hostname).max(1000).optional(),
    root: flag.optional(),
    certFile: text(parseServerPath).optional(),
    keyFile: text(parseServerPath).optional(),
  })
  .transform(({ name, hostnames, root, certFile, keyFile }, context) => {
    const isFiles = certFile !== undefined || keyFile !== undefined;
    if (name !== undefined && !isFiles) {
      return {
        name,
        ...(hostnames !== undefined && { hostnames: sortedSet(hostnames) }),
        ...(root === true && { root }),
      };
    }
    if (certFile !== undefined && keyFile !== undefined && name === undefined) {
      if (hostnames === undefined && root === undefined) return { certFile, keyFile };
    }
    const message =
      "expected either { name } of a certificate resource, with hostnames and root at will, or both certFile and keyFile: " +
      `found ${
        Object.entries({ name, hostnames, root, certFile, keyFile })
          .flatMap(([key, value]) => (value === undefined ? [] : key))
          .join(", ") || "none of them"
      }`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const letsEncrypt = z
  .strictObject({ email: text(parseEmailAddress), acceptEula: z.literal(true), staging: flag.optional() })
  .transform(({ email, acceptEula, staging }) => ({ email, acceptEula, ...(staging === true && { staging }) }));

const selfSigned = z
  .strictObject({ ca: text(parseName).optional(), hostnames: z.array(hostname).max(1000).optional() })
  .transform(({ ca, hostnames = [] }) => ({
    ...(ca !== undefined && { ca }),
    ...(hostnames.length > 0 && { hostnames: sortedSet(hostnames) }),
  }));

const tlsWays = z
  .strictObject({
    certificate: certificate.optional(),
    letsEncrypt: letsEncrypt.optional(),
    selfSigned: selfSigned.optional(),
  })
  .transform((ways, context): Exclude<SiteData["tls"], "disabled"> => {
    const chosen = Object.entries(ways).filter(([, way]) => way !== undefined);
    if (ways.certificate !== undefined && chosen.length === 1) return { certificate: ways.certificate };
    if (ways.letsEncrypt !== undefined && chosen.length === 1) return { letsEncrypt: ways.letsEncrypt };
    if (ways.selfSigned !== undefined && chosen.length === 1) return { selfSigned: ways.selfSigned };
    const found = chosen.length === 0 ? "none" : chosen.map(([name]) => name).join(" and ");
    context.addIssue({
      code: "custom",
      message: `found ${found}, expected exactly one of certificate, letsEncrypt, selfSigned`,
    });
    return z.NEVER;
  });

/** Not a union of zod: its issues would tell of every way that was not meant. */
const tls = z.unknown().transform((given, context): SiteData["tls"] => {
  if (given === "disabled") return given;
  const result = tlsWays.safeParse(given, { reportInput: true });
  if (result.success) return result.data;
  // an issue that is told differs from one that is found only in types: paths are put together by the outer schema
  for (const issue of result.error.issues) context.issues.push(issue as (typeof context.issues)[number]);
  return z.NEVER;
});

const headerChange = z
  .strictObject({
    on: z.enum(["request", "response"]),
    action: z.enum(headerActions),
    name: text(parseHeaderName),
    value: text(parseHeaderValue).optional(),
  })
  .transform(({ on, action, name, value }) => ({ on, action, name, ...(value !== undefined && { value }) }));

const routingRule = z
  .strictObject({
    route: text(parseRoute),
    effect: z.enum(["allow", "deny"]),
    rewrite: text(parseRewrite).optional(),
  })
  .transform(({ route, effect, rewrite }) => ({ route, effect, ...(rewrite !== undefined && { rewrite }) }));

const maintenance = z
  .strictObject({
    except: z.array(text(parseAddressRange)).max(1000).optional(),
    conditions: z.array(text(parseCondition)).max(100).optional(),
    retryAfterSeconds: z.int().min(1).max(MAX_SECONDS).optional(),
  })
  .transform(({ except = [], conditions = [], retryAfterSeconds }) => ({
    ...(except.length > 0 && { except: sortedSet(except) }),
    ...(conditions.length > 0 && { conditions }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  }));

const siteSchema = z.strictObject({
  name: text(parseName),
  binds: z
    .array(text((given) => renderBind(parseBind(given))))
    .min(1)
    .max(100),
  hostnames: z.array(hostname).max(1000).optional(),
  externalUrl: text(parseExternalUrl).optional(),
  tls,
  redirectToHttps: flag.optional(),
  headers: z.array(headerChange).max(200).optional(),
  routing: z.array(routingRule).max(200).optional(),
  maintenance: z.preprocess(
    (given) => (given === true ? {} : given === false ? undefined : given),
    maintenance.optional(),
  ),
  grpcPort: port.optional(),
  ...proxyProperties,
});

/** Sorts sets and leaves away what is empty. */
function canonicalSite(given: z.output<typeof siteSchema>): SiteData {
  const {
    name,
    binds,
    hostnames = [],
    externalUrl,
    tls,
    redirectToHttps,
    headers = [],
    routing = [],
    maintenance,
    grpcPort,
    ...proxy
  } = given;
  return {
    name,
    binds: [...binds].sort(),
    ...(hostnames.length > 0 && { hostnames: sortedSet(hostnames) }),
    ...(externalUrl !== undefined && { externalUrl }),
    tls,
    ...(redirectToHttps === true && { redirectToHttps }),
    ...(headers.length > 0 && { headers }),
    ...(routing.length > 0 && { routing }),
    ...(maintenance !== undefined && { maintenance }),
    ...(grpcPort !== undefined && { grpcPort }),
    ...Object.fromEntries(Object.entries(proxy).filter(([, value]) => value !== undefined)),
  };
}
