import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { refuseNonPublic } from "../../network/address-policy";
import { readConnectionFailure } from "../../network/connection-failure";
import { answerOf } from "../../network/http-answer";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import { userAgent } from "../client/transport";
import type { DnsServer } from "../dns/query";
import type { AcmeClock, Deadline } from "../run/deadline";
import { explainNoAddress, explainUnseen, findAddresses, type HostAddresses } from "./addresses";

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
const MOST_SECONDS = 10;
const MOST_REDIRECTS = 10;

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
  const timer = setTimeout(() => end.abort(`it was not answered within ${MOST_SECONDS} s`), MOST_SECONDS * 1000);
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
    if (redirects === MOST_REDIRECTS) return { ...refused, found: `it redirects more than ${MOST_REDIRECTS} times` };
    seen.add(place.url.href);
    const next = await nextPlace(reply.location, place, target.port, context);
    if ("found" in next) return { ...refused, ...next };
    if (seen.has(next.url.href)) return { ...refused, found: "it redirects in a circle" };
    place = next;
  }
}

/** A URL, and the address that is asked for it. */
interface HttpPlace {
  readonly url: URL;
  readonly address: string;
}

/** Why a redirection is not followed, in the words of `HttpLook`. */
export interface RefusedRedirect {
  readonly found: string;
  readonly isUnseen: boolean;
  readonly hint?: string;
}

/** CA/Browser Forum Baseline Requirements section 3.2.2.4.19: the ports that are authorized, with http or https. */
const authorizedPorts: readonly number[] = [80, 443];

/**
 * Where a redirection leads to, when a CA would follow it. `port` is that of the first request, which stands for 80 at
 * the same host. Another host that is reached in a network of this machine only is not asked: what it answers would come
 * into a message.
 */
export async function nextPlace(
  location: string,
  from: HttpPlace,
  port: number,
  context: { readonly resolvers: readonly DnsServer[]; readonly deadline: Deadline },
): Promise<HttpPlace | RefusedRedirect> {
  const url = URL.parse(location, from.url.href);
  if (url === null) return refused(`it redirects to ${renderQuoted(location)}, which is no URL`);
  url.hash = "";
  const where = `it redirects to ${renderUrl(url)}`;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return refused(`${where}, and CAs follow to http and https only`);
  }
  if (url.hostname.endsWith(".well-known")) {
    const hint =
      "A slash is missing at the end of the redirection's target: write https://example.org/, not https://example.org.";
    return refused(`${where}, which is no host`, hint);
  }
  const asked = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  if (!authorizedPorts.includes(asked) && asked !== port) {
    return refused(`${where}, and CAs follow to the ports 80 and 443 only`);
  }
  if (url.hostname === from.url.hostname) {
    if (asked === 80 && url.protocol === "http:") url.port = String(port);
    return { url, address: from.address };
  }
  const host = await findAddresses(url.hostname.replace(/^\[|\]$/g, ""), context.resolvers, context.deadline);
  return chooseAddress(host, url, from.address);
}

/** An address of the same family, so that each family is seen by itself; else any. */
function chooseAddress(host: HostAddresses, url: URL, from: string): HttpPlace | RefusedRedirect {
  const where = `it redirects to ${renderUrl(url)}`;
  if (host.kind === "unseen") {
    return { ...refused(`${where}: ${explainUnseen("the addresses of that host", host.code).found}`), isUnseen: true };
  }
  if (host.kind !== "addresses") return refused(`${where}: ${explainNoAddress(host.kind).found}`);
  const address = host.addresses.find((each) => each.includes(":") === from.includes(":")) ?? host.addresses[0] ?? "";
  const reason = refuseNonPublic(address);
  if (reason === undefined || address === from) return { url, address };
  const isPublic = refuseNonPublic(from) === undefined;
  return { ...refused(`${where} at ${address}, ${reason}, which is not asked`), isUnseen: !isPublic };
}

function refused(found: string, hint?: string): RefusedRedirect {
  return { found, isUnseen: false, ...(hint !== undefined && { hint }) };
}

/** One answer. */
interface HttpReply {
  readonly status: number;
  /** The header of an answer with a status of 3xx. */
  readonly location?: string;
  readonly contentType?: string;
  /** At most 64 KiB, whatever the status is; UTF-8, what is none replaced. */
  readonly body: string;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** Why there was none; see `HttpLook`. */
interface HttpFailure {
  readonly found: string;
  readonly isUnseen: boolean;
  readonly isUnconnected: boolean;
}

/** A key authorization has 87 octets; a page of an error is worth a look. */
const MOST_BYTES = 64 * 1024;

/** The machine itself has no such network, or is forbidden to use it. */
const ownCodes: readonly string[] = ["ENETUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EACCES", "EPERM"];
/** Of another network than ours these say that there is no way, of a public address that nothing is there. */
const wayCodes: readonly string[] = ["EHOSTUNREACH", "ETIMEDOUT"];

/** Sends one GET to an address. The signal's reason is a text that says why it ended. */
async function requestOnce({ url, address }: HttpPlace, signal: AbortSignal): Promise<HttpReply | HttpFailure> {
  const isHttps = url.protocol === "https:";
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const request = (isHttps ? httpsRequest : httpRequest)({
    host: address,
    port: url.port === "" ? (isHttps ? 443 : 80) : url.port,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, "user-agent": userAgent(), accept: "*/*", "accept-encoding": "identity" },
    // without a pool there is neither a proxy from the environment nor a connection that stays open
    agent: false,
    // who is about to get a certificate has none yet
    rejectUnauthorized: false,
    ...(isHttps && isIP(name) === 0 && { servername: name }),
    signal,
  });
  let isConnected = false;
  request.once("socket", (socket) =>
    socket.once("connect", () => {
      isConnected = true;
    }),
  );
  try {
    const answered = answerOf(request);
    request.end();
    const response = await answered;
    const { statusCode: status = 0, headers } = response;
    const [contentType, location] = [headers["content-type"], status < 400 ? headers.location : undefined];
    const given = { ...(contentType !== undefined && { contentType }), ...(location !== undefined && { location }) };
    return { status, ...given, ...(await readBody(response)) };
  } catch (error) {
    return failureOf(error, { address, isConnected, signal });
  } finally {
    request.destroy();
  }
}

async function readBody(response: IncomingMessage): Promise<Pick<HttpReply, "body" | "isCut">> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MOST_BYTES) break;
  }
  const body = Buffer.concat(chunks).subarray(0, MOST_BYTES).toString();
  return { body, isCut: length > MOST_BYTES };
}

interface Circumstances {
  readonly address: string;
  readonly isConnected: boolean;
  readonly signal: AbortSignal;
}

function failureOf(error: unknown, { address, isConnected, signal }: Circumstances): HttpFailure {
  const isElsewhere = refuseNonPublic(address) !== undefined;
  if (signal.aborted) {
    const found = `${String(signal.reason)}${isConnected ? "" : "; no connection came about"}`;
    return { found, isUnseen: !isConnected && isElsewhere, isUnconnected: !isConnected };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isUnseen = ownCodes.includes(code) || (wayCodes.includes(code) && isElsewhere);
  const failure = readConnectionFailure(error);
  if (failure === undefined) throw error;
  return { found: failure.found, isUnseen, isUnconnected: !isConnected };
}
