import { z } from "zod";
import { parseAddressRange, parseServerPath, parseSiteHostname, parseUpstreamUrl } from "../../gateway/model/fields";
import {
  type ClientAuth,
  type Hsts,
  type SiteTimeouts,
  type SiteUpstream,
  sortedSet,
  tlsProfiles,
} from "../../gateway/model/site";
import { flag, text } from "../input/schema";

/** A year in a leap year's days: what servers take without an overflow. */
export const MAX_SECONDS = 366 * 24 * 3600;

/** Two years are what the preload list of the browsers and Mozilla's guideline ask for; a hundred are a mistake. */
const MAX_HSTS_SECONDS = 100 * MAX_SECONDS;

/** What `hsts: true` is: two years, as Mozilla's guideline 6.0 asks for. */
const HSTS_SECONDS = 63_072_000;

/** The largest integer that survives every server's configuration. */
const MAX_BODY = 2 ** 40;

const upstream = z
  .strictObject({
    url: text(parseUpstreamUrl),
    kind: z.literal("cells").optional(),
    rootCa: flag.optional(),
    rootCaFile: text(parseServerPath).optional(),
    serverName: text(parseSiteHostname).optional(),
    grpc: flag.optional(),
  })
  .transform((given, context): SiteUpstream => {
    const verified = (["rootCa", "rootCaFile", "serverName"] as const).filter((name) => given[name] !== undefined);
    if (verified.length > 0 && !given.url.startsWith("https:")) {
      const message = `found ${verified.join(" and ")} with ${given.url}, expected an https:// upstream: nothing else is verified`;
      context.addIssue({ code: "custom", message });
    }
    if (given.rootCa === true && given.rootCaFile !== undefined) {
      context.addIssue({ code: "custom", message: "found rootCaPem and rootCaFile, expected one of them" });
    }
    return withoutAbsent(given);
  });

const clientAuth = z
  .strictObject({ ca: flag.optional(), caFile: text(parseServerPath).optional() })
  .transform((given, context): ClientAuth => {
    if ((given.ca === true) === (given.caFile !== undefined)) {
      const found = given.ca === true ? "both" : "neither";
      context.addIssue({ code: "custom", message: `found ${found} of caPem and caFile, expected one of them` });
    }
    return withoutAbsent(given);
  });

const hsts = z
  .strictObject({
    maxAgeSeconds: z.int().min(0).max(MAX_HSTS_SECONDS),
    includeSubDomains: flag.optional(),
    preload: flag.optional(),
  })
  .transform((given, context): Hsts => {
    const year = 365 * 24 * 3600;
    if (given.preload === true && (given.includeSubDomains !== true || given.maxAgeSeconds < year)) {
      const message = `found preload without ${given.includeSubDomains === true ? "a maxAgeSeconds of a year" : "includeSubDomains"}, which browsers' preload list demands beside it`;
      context.addIssue({ code: "custom", message });
    }
    return withoutAbsent(given);
  });

const seconds = z.int().min(1).max(MAX_SECONDS).optional();

/** The properties of a site that proxies alone serve. */
export const proxyProperties = {
  upstream: upstream.optional(),
  clientAuth: clientAuth.optional(),
  hsts: z.preprocess(
    (given) => (given === true ? { maxAgeSeconds: HSTS_SECONDS } : given === false ? undefined : given),
    hsts.optional(),
  ),
  tlsProfile: z.enum(tlsProfiles).optional(),
  proxyProtocol: z
    .strictObject({ trusted: z.array(text(parseAddressRange)).min(1).max(1000) })
    .transform(({ trusted }) => ({ trusted: sortedSet(trusted) }))
    .optional(),
  maxBodyBytes: z.int().min(1).max(MAX_BODY).optional(),
  timeouts: z
    .strictObject({ connectSeconds: seconds, responseSeconds: seconds, tunnelSeconds: seconds })
    .transform((given): SiteTimeouts | undefined => {
      const canonical = withoutAbsent(given);
      return Object.keys(canonical).length === 0 ? undefined : canonical;
    })
    .optional(),
};

/** In the order of the schema, so that the same value is always the same text. */
function withoutAbsent<T extends object>(given: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  // Object.fromEntries forgets which names these are
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
