import { TlsError } from "../../errors";
import type { Certificate } from "../../x509/certificate/certificate";
import { type AddressPolicy, allowEvery, refuseNonPublic } from "../address-policy";
import { readRetryAfter } from "../retry-after";
import { parseIssuerUrl, renderUrl } from "../url";
import { readIssuers } from "./answer";
import { exchange, type HttpAnswer } from "./exchange";
import { judgedLookup, refuseLiteral } from "./lookup";

export interface IssuerFetchOptions {
  /** Default false: only public unicast addresses are connected to. */
  readonly allowPrivateAddresses?: boolean;
  /** For the whole fetch with all its redirects. Default 10. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
/** Nobody waits longer, and it is far from where a timer of Node overflows. */
const MOST_TIMEOUT_SECONDS = 3600;

/**
 * Fetches the certificates that a caIssuers URL holds: DER, PEM or PKCS#7 (certs-only).
 *
 * One GET over http or https for each of at most three redirections, each host judged by its addresses; without proxy,
 * cookies or credentials. At most 256 KiB and 50 certificates, in the order of the answer, repetitions kept. Not
 * checked: that one of them issued the certificate that names the URL, dates, signatures; http is no proof of anything.
 *
 * @throws TlsError `AIA_UNREACHABLE`: DNS, connection, time-out, the signal, status 429 and 5xx (with `retryAt` when the
 * server says one); `AIA_REFUSED`: the URL or one that it redirects to, its addresses, too many redirections, another
 * status, too many bytes, an https server that is not trusted; `AIA_INVALID`: the answer is no certificates.
 * @throws TypeError for a `timeoutSeconds` that is not above 0 and at most 3600
 * See RFC 5280 section 4.2.2.1.
 */
export async function fetchIssuers(url: string, options: IssuerFetchOptions = {}): Promise<readonly Certificate[]> {
  const { allowPrivateAddresses = false, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, signal } = options;
  if (!(timeoutSeconds > 0 && timeoutSeconds <= MOST_TIMEOUT_SECONDS)) {
    throw new TypeError(
      `timeoutSeconds is ${timeoutSeconds}, expected more than 0 and at most ${MOST_TIMEOUT_SECONDS}`,
    );
  }
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(`it took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000);
  const giveUp = () => end.abort("it was given up by its caller");
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    const policy = allowPrivateAddresses ? allowEvery : refuseNonPublic;
    const { body, what } = await followRedirects(url, policy, end.signal);
    return readIssuers(body, what);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** The body that was found and where. */
export interface Found {
  readonly body: Buffer;
  /** Names the URL, and that of the redirection which led to the body. */
  readonly what: string;
}

/** From http to https and from an old host to a new one is two. */
const MOST_REDIRECTS = 3;

/** RFC 9110 section 15.4; the others ask for something else than another GET. */
const redirects: readonly number[] = [301, 302, 303, 307, 308];

const BY_HAND = "Append the issuer's certificate by hand, and tell the CA.";

/**
 * Gets what a URL holds, over at most three redirections: each place is judged like the first one, and none leads from
 * https back to http. The signal's reason is a text that says why it ended.
 * @throws TlsError AIA_UNREACHABLE, with `retryAt` when the server says one; AIA_REFUSED
 */
export async function followRedirects(text: string, policy: AddressPolicy, signal: AbortSignal): Promise<Found> {
  let what = "fetching the issuer's certificate";
  let url = parseIssuerUrl(text, what);
  const first = renderUrl(url);
  what = `${what} from ${first}`;
  for (let count = 0; ; count++) {
    refuseLiteral(url.hostname.replace(/^\[|\]$/g, ""), policy, what);
    const answer = await exchange(url, { what, lookup: judgedLookup(policy, what), signal });
    if (answer.status === 200) return { body: answer.body, what };
    if (!redirects.includes(answer.status)) throw refusedBy(answer, what);
    if (count === MOST_REDIRECTS) {
      throw refused(`${what}: it redirects more than ${MOST_REDIRECTS} times.`, BY_HAND);
    }
    url = nextUrl(answer, url, what);
    what = `fetching the issuer's certificate from ${first}, redirected to ${renderUrl(url)}`;
  }
}

function nextUrl({ status, headers: { location } }: HttpAnswer, from: URL, what: string): URL {
  if (location === undefined) throw refused(`${what}: it answered ${status} without saying where to.`, BY_HAND);
  const url = parseIssuerUrl(location, `${what}: its redirection`, from);
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw refused(`${what}: it redirects from https to http, to ${renderUrl(url)}.`, BY_HAND);
  }
  return url;
}

/** RFC 9110 sections 15.5 and 15.6, RFC 6585 section 4. */
function refusedBy({ status, headers }: HttpAnswer, what: string): TlsError {
  const reason = `${what}: the server answered with status ${status}.`;
  if (status < 500 && status !== 429) {
    const hint =
      status === 404 || status === 410
        ? "The CA has moved or removed the file: get its certificate from its web site and append it by hand."
        : "Look at the URL from the machine that runs Pulumi (a proxy may stand in between), or append the issuer's certificate by hand.";
    return refused(reason, hint);
  }
  const canSay = status === 429 || status === 503;
  const retryAt = canSay ? readRetryAfter(headers["retry-after"], new Date()) : undefined;
  return new TlsError("AIA_UNREACHABLE", reason, {
    hint: "The server has a fault or too much to do: run it again later, or append the issuer's certificate by hand.",
    ...(retryAt === undefined ? {} : { retryAt }),
  });
}

function refused(reason: string, hint: string): TlsError {
  return new TlsError("AIA_REFUSED", reason, { hint });
}
