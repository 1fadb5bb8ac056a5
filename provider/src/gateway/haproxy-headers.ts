import { expression, formatText, test, when } from "./haproxy/dialect";
import { renderHsts } from "./hsts";
import { type HeaderChange, isTlsSite, type SiteData } from "./model/site";
import { type Directive, directive, type Word } from "./syntax/directives";

/** What a request says of its client: what the client itself said of that is dropped. */
export function forwardedHeaders(site: SiteData): readonly Directive[] {
  const set = (name: string, value: Word) => directive("http-request", "set-header", `X-Forwarded-${name}`, value);
  return [
    set("For", expression("%[src]")),
    set("Proto", isTlsSite(site) ? "https" : "http"),
    set("Host", expression("%[req.fhdr(host)]")),
  ];
}

/** HSTS on every answer of the site, those of HAProxy itself included. */
export function hstsHeader({ hsts }: SiteData): readonly Directive[] {
  if (hsts === undefined) return [];
  return [directive("http-after-response", "set-header", "Strict-Transport-Security", formatText(renderHsts(hsts)))];
}

/** The site's own changes, in their order. */
export function changedHeaders({ headers = [] }: SiteData): readonly Directive[] {
  return headers.map(changedHeader);
}

function changedHeader({ on, action, name, value = "" }: HeaderChange): Directive {
  const [rules, fetch] = on === "request" ? ["http-request", "req.fhdr_cnt"] : ["http-after-response", "res.fhdr_cnt"];
  const [text, count] = [formatText(value), `${fetch}(${name})`];
  switch (action) {
    case "append":
      return directive(rules, "add-header", name, text);
    case "set":
      return directive(rules, "set-header", name, text);
    case "remove":
      return directive(rules, "del-header", name);
    case "addIfAbsent":
      return when([rules, "set-header", name, text], test(count, "eq", "0"));
    case "replace":
      return when([rules, "set-header", name, text], test(count, "gt", "0"));
  }
}
