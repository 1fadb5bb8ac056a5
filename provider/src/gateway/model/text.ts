import { TlsError } from "../../errors";
import {
  type HeaderChange,
  type Maintenance,
  proxyProperties,
  type RoutingRule,
  type SiteData,
  type SiteTls,
  sortedByName,
} from "./site";

/** The schema of a site allows 200 headers, 200 routes and 100 conditions, a line each. */
const MOST_LINES = 1000;

/** Characters of a site's name that need no quotes. */
const plainName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Renders sites as the text that is stored and diffed: one block a site, sorted by name, one line for each property, and
 * one for each header, route and condition; values are JSON. The engine diffs text line by line unless it parses as JSON
 * or as a YAML map or list, and this is neither. Expects the canonical form; names that a referenced certificate covers
 * are left out, being known from the certificate only.
 */
export function renderSites(sites: readonly SiteData[]): string {
  const sorted = sortedByName(sites);
  return sorted.map(renderSite).join("\n");
}

/**
 * Reads the text that {@link renderSites} made: rendering the result gives the same text. Checked is the shape of the
 * text only; the values of a text that may have come from elsewhere go through the schema of a site.
 * @throws TlsError SITE_INVALID
 */
export function parseSites(text: string): readonly SiteData[] {
  const sites: SiteData[] = [];
  let [block, firstLine, start]: [string[], number, number] = [[], 1, 0];
  // line by line: junk of ten megabytes is refused at its first fault
  for (let index = 1; start <= text.length; index++) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(start, end);
    start = end + 1;
    if (line !== "") {
      if (block.length === 0) firstLine = index;
      if (block.push(line) > MOST_LINES)
        throw new TlsError(
          "SITE_INVALID",
          `line ${index} of the sites' text: the site has more than ${MOST_LINES} lines`,
        );
    }
    if (block.length === 0 || (line !== "" && newline !== -1)) continue;
    sites.push(parseSite(block, firstLine));
    block = [];
  }
  return sites;
}

function renderSite(site: SiteData): string {
  const lines = [`site ${renderName(site.name)}`, `  binds ${JSON.stringify(site.binds)}`];
  if (site.hostnames !== undefined) lines.push(`  hostnames ${JSON.stringify(site.hostnames)}`);
  if (site.externalUrl !== undefined) lines.push(`  externalUrl ${JSON.stringify(site.externalUrl)}`);
  lines.push(`  tls ${renderTls(site.tls)}`);
  if (site.redirectToHttps === true) lines.push("  redirectToHttps true");
  if (site.grpcPort !== undefined) lines.push(`  grpcPort ${site.grpcPort}`);
  for (const property of proxyProperties) {
    if (site[property] !== undefined) lines.push(`  ${property} ${JSON.stringify(site[property])}`);
  }
  for (const { on, action, name, value } of site.headers ?? []) {
    lines.push(`  header ${JSON.stringify({ on, action, name, value })}`);
  }
  for (const { route, effect, rewrite } of site.routing ?? []) {
    lines.push(`  route ${JSON.stringify({ route, effect, rewrite })}`);
  }
  if (site.maintenance !== undefined) {
    const { except, retryAfterSeconds } = site.maintenance;
    lines.push(`  maintenance ${JSON.stringify({ except, retryAfterSeconds })}`);
    for (const condition of site.maintenance.conditions ?? []) lines.push(`  condition ${JSON.stringify(condition)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A name with a colon and a space would make the first line a YAML key, so a colon is escaped. */
function renderName(name: string): string {
  return plainName.test(name) ? name : JSON.stringify(name).replaceAll(":", "\\u003a");
}

function renderTls(tls: SiteTls): string {
  if (tls === "disabled") return "disabled";
  if ("letsEncrypt" in tls) {
    const { email, acceptEula, staging } = tls.letsEncrypt;
    return `letsEncrypt ${JSON.stringify({ email, acceptEula, staging })}`;
  }
  if ("selfSigned" in tls) {
    const { ca, hostnames } = tls.selfSigned;
    return `selfSigned ${JSON.stringify({ ca, hostnames })}`;
  }
  const { certificate } = tls;
  if ("name" in certificate) {
    return `certificate ${JSON.stringify({ name: certificate.name, root: certificate.root })}`;
  }
  return `certificate ${JSON.stringify({ certFile: certificate.certFile, keyFile: certificate.keyFile })}`;
}

type Draft = { -readonly [Key in keyof SiteData]?: SiteData[Key] };

/** Puts the value of one line into the draft; the casts are the documented limit of {@link parseSites}. */
const readers: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  binds: (draft, value) => {
    draft.binds = JSON.parse(value) as readonly string[];
  },
  hostnames: (draft, value) => {
    draft.hostnames = JSON.parse(value) as readonly string[];
  },
  externalUrl: (draft, value) => {
    draft.externalUrl = JSON.parse(value) as string;
  },
  tls: (draft, value) => {
    const space = value.indexOf(" ");
    draft.tls = value === "disabled" ? value : ({ [value.slice(0, space)]: JSON.parse(value.slice(space)) } as SiteTls);
  },
  redirectToHttps: (draft) => {
    draft.redirectToHttps = true;
  },
  grpcPort: (draft, value) => {
    draft.grpcPort = JSON.parse(value) as number;
  },
  header: (draft, value) => {
    draft.headers = [...(draft.headers ?? []), JSON.parse(value) as HeaderChange];
  },
  route: (draft, value) => {
    draft.routing = [...(draft.routing ?? []), JSON.parse(value) as RoutingRule];
  },
  maintenance: (draft, value) => {
    draft.maintenance = JSON.parse(value) as Maintenance;
  },
  ...Object.fromEntries(
    proxyProperties.map((property) => [
      property,
      (draft: Draft, value: string) => void Object.assign(draft, { [property]: JSON.parse(value) }),
    ]),
  ),
  condition: (draft, value) => {
    const conditions = [...(draft.maintenance?.conditions ?? []), JSON.parse(value) as string];
    draft.maintenance = { ...draft.maintenance, conditions };
  },
};

function parseSite(block: readonly string[], firstLine: number): SiteData {
  const draft: Draft = {};
  for (const [index, line] of block.entries()) {
    const refuse = (found: string): never => {
      const reason = `line ${firstLine + index} of the sites' text: ${found}`;
      throw new TlsError("SITE_INVALID", reason, { hint: "The provider makes this text: take it as it is." });
    };
    const [, word = "", value = ""] = (index === 0 ? /^(site) (.+)$/ : /^ {2}([A-Za-z]+) (.+)$/).exec(line) ?? [];
    if (word === "")
      refuse(index === 0 ? 'a block starts with "site" and a name' : "it is not a property and its value");
    try {
      if (word === "site") draft.name = plainName.test(value) ? value : (JSON.parse(value) as string);
      else if (Object.hasOwn(readers, word)) readers[word]?.(draft, value);
      else refuse(`${word} is not a property of a site`);
    } catch (error) {
      if (error instanceof SyntaxError) refuse(`the value of ${word} is not JSON`);
      throw error;
    }
  }
  const { name, binds, tls } = draft;
  if (name === undefined || binds === undefined || tls === undefined) {
    throw new TlsError("SITE_INVALID", `line ${firstLine} of the sites' text: the site has no binds or no tls`);
  }
  return { ...draft, name, binds, tls };
}
