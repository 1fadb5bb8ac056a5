import { expression, headerValue } from "./apache/dialect";
import type { HeaderChange, SiteData } from "./model/site";
import { type Directive, directive, quoted, type Word } from "./syntax/directives";

/** A client could have any header taken away that it names as one of the connection (RFC 9110 section 7.6.1). */
const ofConnection = expression("%{req:Connection} !~ /^(?:close|keep-alive|upgrade|te|http2-settings|[ ,])*$/i");

/**
 * What the upstream is told of the client, whatever the client said itself, and the site's own changes after it.
 *
 * @param scheme of the listener
 */
export function requestHeaders({ headers = [] }: SiteData, scheme: "http" | "https"): readonly Directive[] {
  return [
    directive("RequestHeader", "set", "Connection", "close", ofConnection),
    directive("RequestHeader", "set", "X-Forwarded-For", expression("%{REMOTE_ADDR}")),
    directive("RequestHeader", "set", "X-Forwarded-Proto", quoted(scheme)),
    directive("RequestHeader", "set", "X-Forwarded-Host", expression("%{req:Host}")),
    ...headers.filter(({ on }) => on === "request").map((change) => changeHeader(["RequestHeader"], "req", change)),
  ];
}

/**
 * The site's changes of what comes from the upstream, errors of its own included. Apache's own answers are not changed:
 * they stand in another table, whose changes all come first, so that rows of changes would come in another order.
 */
export function responseHeaders({ headers = [] }: SiteData): readonly Directive[] {
  return headers
    .filter(({ on }) => on === "response")
    .map((change) => changeHeader(["Header", "onsuccess"], "resp", change));
}

const actions = { append: "add", addIfAbsent: "set", set: "set", replace: "set", remove: "unset" } as const;

/** `setifempty` and `edit` would be shorter, but the first takes an empty header for none, and the second edits by patterns. */
function changeHeader(words: readonly Word[], table: "req" | "resp", change: HeaderChange): Directive {
  const { action, name, value } = change;
  const condition =
    action === "addIfAbsent"
      ? [expression(`-z %{${table}:${name}}`)]
      : action === "replace"
        ? [expression(`-n %{${table}:${name}}`)]
        : [];
  return directive(...words, actions[action], name, ...(value === undefined ? [] : [headerValue(value)]), ...condition);
}
