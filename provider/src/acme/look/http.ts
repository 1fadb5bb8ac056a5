import type { AcmeClock } from "../clock";
import type { DnsServer } from "../dns/query";
import { type HttpPlace, nextPlace } from "../preflight/http-redirect";
import { type HttpReply, requestOnce } from "../preflight/http-request";
import type { Deadline } from "../run/deadline";

/** What is asked for: `http://<host>:<port><path>`. */
export interface HttpTarget {
  /** A DNS name without `*.`, or an address without brackets; it becomes the header Host. */
  readonly host: string;
  readonly port: number;
  /** With its slash. */
  readonly path: string;
}

/** What came of asking one address, over all redirections. */
export type HttpLook =
  | ({ readonly kind: "answer" } & Asked & HttpReply)
  | ({
      readonly kind: "failure";
      /** A clause without its end. */
      readonly found: string;
      /** That it failed says nothing of what a CA sees: this machine has no way there. */
      readonly isUnseen: boolean;
      /** No connection came about: a CA may go on with another address then. */
      readonly isUnconnected: boolean;
      /** Only of failures of a redirection: what to do. */
      readonly hint?: string;
    } & Asked);

interface Asked {
  readonly address: string;
  /** Of the last request. */
  readonly url: URL;
  /** How many redirections led to it. */
  readonly redirects: number;
}

export interface LookContext {
  readonly resolvers: readonly DnsServer[];
  readonly clock: AcmeClock;
  readonly deadline: Deadline;
}

/** As Let's Encrypt has both (va/http.go and va/va.go of Boulder). */
const mostSeconds = 10;
const mostRedirects = 10;

/** CAs refuse every other one, 303 too: CA/Browser Forum Baseline Requirements section 3.2.2.4.19. */
const followed: readonly number[] = [301, 302, 307, 308];

/**
 * Asks every one of these addresses for the target, as a CA would that validates http-01 (RFC 8555 section 8.3): by http,
 * without proxy, cookies or credentials; over at most 10 redirections to http and https at the ports 80, 443 and that of
 * the target, where no certificate is verified; each address within 10 s. At most 64 KiB of an answer are read.
 * Redirections stay at the address as long as the host is the same. Never fails by what a server does.
 * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
 */
export function lookByHttp(
  target: HttpTarget,
  addresses: readonly string[],
  context: LookContext,
): Promise<readonly HttpLook[]> {
  return Promise.all(addresses.map((address) => lookAt(target, address, context)));
}

async function lookAt(target: HttpTarget, address: string, context: LookContext): Promise<HttpLook> {
  const { deadline } = context;
  const doing = `asking ${target.host} at ${address}`;
  deadline.check(doing);
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(`it was not answered within ${mostSeconds} s`), mostSeconds * 1000);
  const follow = () => end.abort("it was stopped");
  deadline.signal.addEventListener("abort", follow, { once: true });
  try {
    const look = await followRedirects(target, address, { ...context, signal: end.signal });
    if (deadline.signal.aborted) throw deadline.error(doing);
    return look;
  } finally {
    clearTimeout(timer);
    deadline.signal.removeEventListener("abort", follow);
  }
}

async function followRedirects(
  target: HttpTarget,
  address: string,
  context: LookContext & { readonly signal: AbortSignal },
): Promise<HttpLook> {
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  let place: HttpPlace = { url: new URL(`http://${host}:${target.port}${target.path}`), address };
  const seen = new Set<string>();
  for (let redirects = 0; ; redirects += 1) {
    const asked = { address: place.address, url: place.url, redirects };
    const reply = await requestOnce(place, context.signal);
    if ("found" in reply) return { kind: "failure", ...asked, ...reply };
    if (!followed.includes(reply.status) || reply.location === undefined) return { kind: "answer", ...asked, ...reply };
    const refused = { kind: "failure", ...asked, isUnseen: false, isUnconnected: false } as const;
    if (redirects === mostRedirects) return { ...refused, found: `it redirects more than ${mostRedirects} times` };
    seen.add(place.url.href);
    const next = await nextPlace(reply.location, place, target.port, context);
    if ("found" in next) return { ...refused, ...next };
    if (seen.has(next.url.href)) return { ...refused, found: "it redirects in a circle" };
    place = next;
  }
}
