import { z } from "zod";
import { isTlsError } from "../../errors";
import { type GatewayKindName, gatewayKinds } from "../../gateway/kinds";
import { checkFeatures } from "../../gateway/model/features";
import type { GatewayKind } from "../../gateway/model/kind";
import type { SiteData } from "../../gateway/model/site";
import { parseSites, renderSites } from "../../gateway/model/text";
import { nearest } from "../../text/nearest";
import { decoded } from "../decoder";
import { gatewayDescription } from "../descriptions";
import { describeInput, renderPath } from "../input/issue-text";
import { attempt, failureOf, type Reading } from "../input/parse";
import { type CheckResult, type Failure, type Preview, UNKNOWN } from "../lifecycle";
import { parseSiteList } from "./list-text";
import { checkSiteListInput } from "./schema";

/** Options are read by their kind alone. */
const shape = { name: z.string(), kind: z.string(), sites: z.string(), options: z.unknown().exactOptional() };

const decoders = { inputs: z.object(shape), state: z.object(shape) };

type GatewayInputs = z.output<typeof decoders.inputs>;

/** All sites of one gateway: checked against each other, and kept as one text that is diffed line by line. */
export const gateway = decoded(decoders, {
  ...gatewayDescription,
  policyProperties: [],
  computedProperties: () => [],
  check,
  replaces: (state, inputs) => (inputs.kind === UNKNOWN || state.kind === inputs.kind ? [] : ["kind"]),
  explain,
  create: async (inputs) => ({ id: inputs.name, outputs: {} }),
  update: async () => ({}),
});

const gatewayProperties = Object.keys(shape);

/** At most so many notes are told. */
const MAX_NOTES = 5;

/** At most so many collisions are listed. */
const MAX_PROBLEMS = 20;

function check(_olds: Preview<GatewayInputs>, news: Readonly<Record<string, unknown>>): CheckResult {
  const failures: Failure[] = [];
  for (const name of Object.keys(news)) {
    if (gatewayProperties.includes(name)) continue;
    const near = nearest(name, gatewayProperties);
    const advice = near === undefined ? "" : `; did you mean ${near}?`;
    failures.push(failureOf(renderPath([name]), `there is no such property${advice}`));
  }
  const { name, kind, sites, options } = news;
  if (name !== UNKNOWN && (typeof name !== "string" || name.length === 0 || name.length > 256)) {
    failures.push(failureOf("name", `found ${describeInput(name)}, expected a text of 1 to 256 characters`));
  }
  const { value: found, failures: unfound } = findKind(kind);
  const { value: parsedOptions, failures: unread } =
    found === undefined || options === UNKNOWN ? { failures: [] } : readOptions(found, options);
  const { value: list, failures: unlisted } = sites === UNKNOWN ? { failures: [] } : readSites(sites);
  failures.push(...unfound, ...unread, ...unlisted);
  if (found !== undefined && parsedOptions !== undefined && list !== undefined) {
    const problems = [...checkFeatures(found.kind, list, gatewayKinds), ...found.checkSites(list, parsedOptions)];
    failures.push(...describeProblems(problems));
  }
  if (failures.length > 0) return { failures };
  return { inputs: { name, kind, options, sites: list === undefined ? UNKNOWN : renderSites(list) } };
}

/** What the kind has to say of these sites: right, but it may surprise. Told when they change, an output ever after. */
function explain(_state: Preview<GatewayInputs> | undefined, inputs: Preview<GatewayInputs>): string | undefined {
  const { kind, sites, options } = inputs;
  if (typeof kind !== "string" || typeof sites !== "string" || options === UNKNOWN) return undefined;
  const found = kindOf(kind);
  if (found === undefined) return undefined;
  const notes = found.notes(parseSites(sites), found.parseOptions(options));
  if (notes.length === 0) return undefined;
  const more = notes.length > MAX_NOTES ? [`And ${notes.length - MAX_NOTES} more: see the output notes.`] : [];
  return [...notes.slice(0, MAX_NOTES), ...more].join("\n");
}

function findKind(kind: unknown): Reading<GatewayKind<unknown>> {
  if (kind === UNKNOWN) return { failures: [] };
  const found = typeof kind === "string" ? kindOf(kind) : undefined;
  if (found !== undefined) return { value: found, failures: [] };
  const kinds = Object.keys(gatewayKinds).join(", ");
  return { failures: [failureOf("kind", `found ${describeInput(kind)}, expected one of ${kinds}`)] };
}

/** Each kind is called with options that it has read itself, which TypeScript can't know of a kind among many. */
function kindOf(name: string): GatewayKind<unknown> | undefined {
  return isKindName(name) ? (gatewayKinds[name] as unknown as GatewayKind<unknown>) : undefined;
}

function isKindName(name: string): name is GatewayKindName {
  return Object.hasOwn(gatewayKinds, name);
}

function readOptions(kind: GatewayKind<unknown>, options: unknown): Reading<unknown> {
  try {
    return { value: kind.parseOptions(options), failures: [] };
  } catch (error) {
    if (!isTlsError(error)) throw error;
    const { path, reason } = error.fault ?? { path: "options", reason: error.reason };
    return { failures: [failureOf(path, reason, error.hint)] };
  }
}

function readSites(text: unknown): Reading<readonly SiteData[]> {
  if (typeof text !== "string") {
    return { failures: [failureOf("sites", `found ${describeInput(text)}, expected a list of sites`)] };
  }
  const { value: list, failures } = attempt("sites", text, parseSiteList);
  if (list === undefined) return { failures };
  const result = checkSiteListInput(list);
  if ("sites" in result) return { value: result.sites, failures };
  return { failures: result.issues.map(({ path, reason }) => failureOf(path, reason)) };
}

function describeProblems(problems: ReturnType<GatewayKind<unknown>["checkSites"]>): readonly Failure[] {
  const told = problems.slice(0, MAX_PROBLEMS).map(({ site, otherSite, property, reason }) => {
    const pair = otherSite === undefined ? `site "${site}"` : `sites "${site}" and "${otherSite}"`;
    return { property: "sites", path: `${pair}, ${property}`, reason };
  });
  const more = problems.length - told.length;
  return more > 0
    ? [...told, { property: "sites", path: "", reason: `and ${more} more problems between sites.` }]
    : told;
}
