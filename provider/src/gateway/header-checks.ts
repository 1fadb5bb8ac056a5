import type { SiteProblem } from "./model/problem";
import type { HeaderChange, SiteData } from "./model/site";

/** What a server has against a change of a header: of which property, and why; undefined when it can do it. */
export type HeaderJudge = (
  change: HeaderChange,
) => { readonly property: "name" | "action"; readonly reason: string } | undefined;

/** Headers of one connection (RFC 9110 section 7.6.1), and of the framing of one message (RFC 9112 section 6). */
const ofConnections: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** A problem for each change of a header that one of the judges can't do: what the first of them says. */
export function checkHeaders(site: SiteData, judges: readonly HeaderJudge[]): readonly SiteProblem[] {
  return (site.headers ?? []).flatMap((change, index) => {
    for (const judge of judges) {
      const found = judge(change);
      if (found !== undefined) {
        return [{ site: site.name, property: `headers[${index}].${found.property}`, reason: found.reason }];
      }
    }
    return [];
  });
}

/**
 * Refuses changes of what belongs to a single connection.
 *
 * @param server as it is called in messages
 * @param more names, in lower case, that are the server's own too
 */
export function connectionHeaders(server: string, more: readonly string[] = []): HeaderJudge {
  const refused = new Set([...ofConnections, ...more]);
  return ({ name }) => {
    if (!refused.has(name.toLowerCase())) return undefined;
    const reason = `${name} belongs to a single connection, and ${server} writes it by itself: leave the change away`;
    return { property: "name", reason };
  };
}

/** Refuses these actions for the Host of a request, which every request has, and once. */
export function hostOfRequest(...actions: readonly HeaderChange["action"][]): HeaderJudge {
  return ({ on, action, name }) => {
    if (on !== "request" || name.toLowerCase() !== "host" || !actions.includes(action)) return undefined;
    const reason = `found "${action}" of Host, of which a request has exactly one (RFC 9112 section 3.2): use "set", or leave the change away`;
    return { property: "action", reason };
  };
}
