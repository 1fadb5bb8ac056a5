import type { SiteProblem } from "../model/problem";
import type { HeaderChange, SiteData } from "../model/site";
import { checkHeaders, checkProxySites, checkVerifiedName, connectionHeaders, type HeaderJudge } from "../proxy/checks";
import { nginxText } from "./dialect";
import type { NginxOptions } from "./options";

/** nginx writes these into every answer and takes no word of anybody about them. */
const ofServer = new Set(["server", "date"]);

/** Of the 4096 octets into which nginx reads a word of its configuration (`NGX_CONF_BUFFER`), the rest is quotes and variables. */
const LONGEST_WORD = 3900;

const ownHeaders: HeaderJudge = ({ on, action, name }) => {
  const key = name.toLowerCase();
  if (on === "response" && ofServer.has(key)) {
    const reason = `nginx writes ${name} itself${key === "server" ? ', as "nginx" without its version,' : ""} and has no way to change it: leave the change away`;
    return { property: "name", reason };
  }
  if (/[_.]/.test(name) && action !== "set" && action !== "remove" && !(on === "response" && action === "append")) {
    const reason = `nginx can't tell whether a header was sent whose name has an underscore or a dot, which "${action}" of ${name} needs: use "set" or "remove", or hyphens in the name`;
    return { property: "name", reason };
  }
  return undefined;
};

/** Finds what nginx can't serve of these sites, beside what no proxy can. Linear in the number of sites. */
export function checkNginxSites(sites: readonly SiteData[], options: NginxOptions): readonly SiteProblem[] {
  return [
    ...checkProxySites(sites, options),
    ...sites.flatMap((site) => [
      ...checkHeaders(site, [connectionHeaders("nginx"), ownHeaders]),
      ...checkLengths(site),
      ...checkVerifiedName(site, "nginx"),
    ]),
  ];
}

function checkLengths(site: SiteData): readonly SiteProblem[] {
  // changes of one header may become one word
  const written = new Map<string, number>();
  return (site.headers ?? []).flatMap((change, index) => {
    const key = `${change.on} ${change.name.toLowerCase()}`;
    const before = written.get(key) ?? 0;
    const length = before + nginxText(change.value ?? "").length + 2;
    written.set(key, length);
    if (before > LONGEST_WORD || length <= LONGEST_WORD) return [];
    return [{ site: site.name, property: `headers[${index}].value`, reason: tooLong(change, length) }];
  });
}

function tooLong({ name, value = "" }: HeaderChange, length: number): string {
  return `found ${value.length} characters, which make ${name} ${length} long as nginx has to be told it, with "\\", " and $ written longer; it reads ${LONGEST_WORD} at the most: shorten the value`;
}
