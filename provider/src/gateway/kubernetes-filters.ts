import { renderHsts } from "./hsts";
import type { HeaderChange, SiteData } from "./model/site";

/** A header that an object of the Gateway API sets or adds. */
interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** RequestHeaderModifier and ResponseHeaderModifier have the same fields, each a set of headers by name. */
export interface HeaderModifier {
  readonly set?: readonly NamedValue[];
  readonly add?: readonly NamedValue[];
  readonly remove?: readonly string[];
}

const HSTS = "Strict-Transport-Security";

/** Filters of a site's rules: what it changes in requests and responses. */
export function headerFilters(site: SiteData): readonly object[] {
  const request = headerModifier(site, "request");
  const response = headerModifier(site, "response");
  return [
    ...(request === undefined ? [] : [{ type: "RequestHeaderModifier", requestHeaderModifier: request }]),
    ...(response === undefined ? [] : [{ type: "ResponseHeaderModifier", responseHeaderModifier: response }]),
  ];
}

/** What is done to the headers of one direction, HSTS among them; undefined when nothing is. */
export function headerModifier(site: SiteData, on: HeaderChange["on"]): HeaderModifier | undefined {
  const changes = (site.headers ?? []).filter((change) => change.on === on);
  const pick = (action: HeaderChange["action"]): NamedValue[] =>
    changes.filter((change) => change.action === action).map(({ name, value = "" }) => ({ name, value }));
  const set = pick("set");
  if (on === "response" && site.hsts !== undefined) set.push({ name: HSTS, value: renderHsts(site.hsts) });
  const add = pick("append");
  const remove = pick("remove").map(({ name }) => name);
  if (set.length + add.length + remove.length === 0) return undefined;
  return { ...(set.length > 0 && { set }), ...(add.length > 0 && { add }), ...(remove.length > 0 && { remove }) };
}
