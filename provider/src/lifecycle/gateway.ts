import { isTlsError } from "../errors";
import type { GatewayKind } from "../gateway/kind";
import { type GatewayKindName, gatewayKinds } from "../gateway/kinds";
import type { SiteData } from "../gateway/site";
import { parseSites, renderSites } from "../gateway/site-text";
import { renderFailure } from "./inputs";
import { describeInput, renderPath } from "./issue-text";
import type { CheckResult, Failure, Lifecycle, Properties } from "./lifecycle";
import { nearest } from "./nearest-word";
import { checkSiteListInput } from "./site-schema";
import { UNKNOWN } from "./unknown";

/** All sites of one gateway: checked against each other, and kept as one text that is diffed line by line. */
export const gateway: Lifecycle = {
  name: "Gateway",
  secretProperties: [],
  policyProperties: [],
  computedProperties: () => [],
  check,
  replaces: (state, inputs) => (inputs.kind === UNKNOWN || state.kind === inputs.kind ? [] : ["kind"]),
  explain,
  create: async (inputs) => ({ id: inputs.name as string, outputs: {} }),
  update: async () => ({}),
};

/** A text of twenty thousand sites has 20 MB at the most; more is no list of sites. */
const MAX_SITES_LENGTH = 64_000_000;

/** Brackets of the list, a site, and the six levels that a site may have (site-schema.ts). */
const MAX_SITES_DEPTH = 8;

/** So far the exact number of sites is told (site-schema.ts takes 20,000). */
const MAX_SITES_ENTRIES = 100_000;

const PROPERTIES = ["name", "kind", "sites", "options"];

/** At most so many notes are told. */
const MAX_NOTES = 5;

/** At most so many collisions are listed. */
const MAX_PROBLEMS = 20;

function check(_olds: Properties, news: Readonly<Record<string, unknown>>): CheckResult {
  const failures: Failure[] = [];
  for (const name of Object.keys(news)) {
    if (PROPERTIES.includes(name)) continue;
    const near = nearest(name, PROPERTIES);
    const advice = near === undefined ? "" : `; did you mean ${near}?`;
    failures.push(renderFailure(renderPath([name]), `there is no such property${advice}`));
  }
  const { name, kind, sites, options } = news;
  if (name !== UNKNOWN && (typeof name !== "string" || name.length === 0 || name.length > 256)) {
    failures.push(renderFailure("name", `found ${describeInput(name)}, expected a text of 1 to 256 characters`));
  }
  const found = findKind(kind, failures);
  const parsedOptions = found === undefined || options === UNKNOWN ? undefined : readOptions(found, options, failures);
  const list = sites === UNKNOWN ? undefined : readSites(sites, failures);
  if (found !== undefined && parsedOptions !== undefined && list !== undefined) {
    failures.push(...describeProblems(found.checkSites(list, parsedOptions)));
  }
  if (failures.length > 0) return { failures };
  return { inputs: { name, kind, options, sites: list === undefined ? UNKNOWN : renderSites(list) } };
}

/** What the kind has to say of these sites: right, but it may surprise. Told when they change, an output ever after. */
function explain(_state: Properties | undefined, inputs: Properties): string | undefined {
  const { kind, sites, options } = inputs;
  if (typeof kind !== "string" || typeof sites !== "string" || options === UNKNOWN) return undefined;
  const found = gatewayKinds[kind as GatewayKindName] as unknown as GatewayKind<unknown>;
  const { notes } = found.render(parseSites(sites), found.parseOptions(options));
  if (notes.length === 0) return undefined;
  const more = notes.length > MAX_NOTES ? [`And ${notes.length - MAX_NOTES} more: see the output notes.`] : [];
  return [...notes.slice(0, MAX_NOTES), ...more].join("\n");
}

function findKind(kind: unknown, failures: Failure[]): GatewayKind<unknown> | undefined {
  if (kind === UNKNOWN) return undefined;
  if (typeof kind === "string" && Object.hasOwn(gatewayKinds, kind)) {
    return gatewayKinds[kind as GatewayKindName] as unknown as GatewayKind<unknown>;
  }
  const kinds = Object.keys(gatewayKinds).join(", ");
  failures.push(renderFailure("kind", `found ${describeInput(kind)}, expected one of ${kinds}`));
  return undefined;
}

function readOptions(kind: GatewayKind<unknown>, options: unknown, failures: Failure[]): unknown {
  try {
    return kind.parseOptions(options);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    const [, path = "options", reason = error.reason] = /^(options\.(?:\w+|"[^"]*")):? (.*)$/s.exec(error.reason) ?? [];
    failures.push(renderFailure(path, reason, error.hint));
    return undefined;
  }
}

/** The program sends JSON; with `ignoreChanges` the engine sends the text of the last run, which is read as well. */
function readSites(text: unknown, failures: Failure[]): readonly SiteData[] | undefined {
  if (typeof text !== "string" || text.length > MAX_SITES_LENGTH) {
    const found = typeof text === "string" ? `${text.length} characters` : describeInput(text);
    failures.push(renderFailure("sites", `found ${found}, expected a list of sites`));
    return undefined;
  }
  const list = parseSiteList(text);
  if (list === undefined) {
    failures.push(
      renderFailure("sites", "found text that is no list of sites.", "give Site resources or plain objects."),
    );
    return undefined;
  }
  const result = checkSiteListInput(list);
  if ("sites" in result) return result.sites;
  for (const { path, reason } of result.issues) failures.push(renderFailure(path, reason));
  return undefined;
}

function parseSiteList(text: string): unknown {
  try {
    if (text.startsWith("[")) return isSiteListJson(text) ? JSON.parse(text) : undefined;
    return text === "" || text.startsWith("site ") ? parseSites(text) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isTlsError(error)) return undefined;
    throw error;
  }
}

/**
 * Whether a text has no more entries, and no more brackets inside each other, than a list of sites, found at the first
 * that is too many: ten megabytes of them take the JSON parser seconds.
 */
function isSiteListJson(text: string): boolean {
  let [depth, entries, isQuoted] = [0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const mark = text[index];
    if (mark === '"') isQuoted = !isQuoted;
    else if (isQuoted) index += mark === "\\" ? 1 : 0;
    else if (mark === "[" || mark === "{") depth += 1;
    else if (mark === "]" || mark === "}") depth -= 1;
    else if (mark === "," && depth === 1) entries += 1;
    if (depth > MAX_SITES_DEPTH || entries > MAX_SITES_ENTRIES) return false;
  }
  return true;
}

function describeProblems(problems: ReturnType<GatewayKind<unknown>["checkSites"]>): readonly Failure[] {
  const told = problems.slice(0, MAX_PROBLEMS).map(({ site, otherSite, property, reason }) => {
    const pair = otherSite === undefined ? `site "${site}"` : `sites "${site}" and "${otherSite}"`;
    return renderFailure(`${pair}, ${property}`, reason);
  });
  const more = problems.length - told.length;
  return more > 0 ? [...told, `and ${more} more problems between sites.`] : told;
}
