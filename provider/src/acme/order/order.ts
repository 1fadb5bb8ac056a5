import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { ipOctets, renderIp } from "../../x509/names/ip-address";
import { parseObject } from "../client/directory";
import { type AcmeIdentifier, renderNames } from "../client/identifier";
import { readProblem } from "../client/problem";
import type { AcmeProblem } from "../client/problem-types";
import type { AcmeSession } from "../client/session";
import type { AcmeResponse } from "../client/transport";
import type { Deadline } from "../run/deadline";

/** What is ordered. */
export interface OrderRequest {
  /** At least one, canonical, each once. */
  readonly identifiers: readonly AcmeIdentifier[];
  /** Name of one of the directory's profiles; absent: the CA's default. */
  readonly profile?: string;
  /** Identifier of the certificate that this one follows (RFC 9773 section 5). */
  readonly replaces?: string;
}

/** An order as the CA tells it (RFC 8555 section 7.1.3). */
export interface Order {
  readonly url: string;
  /** "pending", "ready", "processing", "valid", "invalid", or what a CA invents. */
  readonly status: string;
  readonly identifiers: readonly AcmeIdentifier[];
  readonly profile?: string;
  readonly expires?: string;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  /** Present when the status is "valid". */
  readonly certificate?: string;
  readonly error?: AcmeProblem;
}

/** An answer about an order, with the header that says when to ask again. */
export interface OrderAnswer {
  readonly order: Order;
  readonly retryAfter?: string;
}

/** An account at a CA, in which its orders are. */
export interface OrderContext {
  readonly session: AcmeSession;
  readonly accountUrl: string;
  readonly deadline: Deadline;
}

/** Orders a certificate: POST newOrder (RFC 8555 section 7.4). @throws TlsError of the request; ACME_PROTOCOL */
export async function createOrder(context: OrderContext, request: OrderRequest): Promise<OrderAnswer> {
  const { session, accountUrl, deadline } = context;
  const { newOrder } = await session.directory(deadline);
  const doing = `ordering a certificate for ${renderNames(request.identifiers)}`;
  const payload = {
    identifiers: request.identifiers.map(({ type, value }) => ({ type, value })),
    ...(request.profile !== undefined && { profile: request.profile }),
    ...(request.replaces !== undefined && { replaces: request.replaces }),
  };
  const response = await session.post(newOrder, payload, { kid: accountUrl, doing, deadline });
  const { location } = response.headers;
  if (location === undefined) throw malformed(doing, "the answer has no header Location, so the order can't be found");
  const answer = readOrder(response, session.readLink(location, doing, newOrder), session, doing);
  if (!areSameNames(answer.order.identifiers, request.identifiers)) {
    throw malformed(doing, `the order is for ${renderNames(answer.order.identifiers)}`);
  }
  return answer;
}

/** Asks how an order stands. @throws TlsError of the request; ACME_PROTOCOL */
export async function fetchOrder(context: OrderContext, url: string): Promise<OrderAnswer> {
  const { session, accountUrl, deadline } = context;
  const doing = `asking for the order ${renderUrl(new URL(url))}`;
  return readOrder(await session.post(url, "", { kid: accountUrl, doing, deadline }), url, session, doing);
}

/** Sends the certificate request of a ready order (RFC 8555 section 7.4). @throws TlsError of the request; ACME_PROTOCOL */
export async function finalizeOrder(context: OrderContext, order: Order, csr: Buffer): Promise<OrderAnswer> {
  const { session, accountUrl, deadline } = context;
  const doing = `finalizing the order for ${renderNames(order.identifiers)}`;
  const payload = { csr: csr.toString("base64url") };
  const response = await session.post(order.finalize, payload, { kid: accountUrl, doing, deadline });
  return readOrder(response, order.url, session, doing);
}

/** Whether both are the same names, in any order. */
export function areSameNames(some: readonly AcmeIdentifier[], others: readonly AcmeIdentifier[]): boolean {
  const textsOf = (names: readonly AcmeIdentifier[]) => [
    ...new Set(names.map(({ type, value }) => `${type}:${value}`)),
  ];
  return textsOf(some).sort().join() === textsOf(others).sort().join();
}

/** Reads a name of an answer: lower case, an address as RFC 5952 writes it; undefined for what is none. */
export function readAcmeIdentifier(value: unknown): AcmeIdentifier | undefined {
  const { type, value: text } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof text !== "string") return undefined;
  if (type === "dns") return { type, value: text.toLowerCase() };
  const octets = type === "ip" ? ipOctets(text) : undefined;
  return octets === undefined ? undefined : { type: "ip", value: renderIp(octets) };
}

/** An answer that is not what RFC 8555 says. `found` is a sentence without its end. */
export function malformed(doing: string, found: string): TlsError {
  return new TlsError("ACME_PROTOCOL", `${doing}: ${found}.`, {
    hint: "The CA does not keep to RFC 8555 here: tell its operator, or look whether something stands between.",
  });
}

function readOrder(response: AcmeResponse, url: string, session: AcmeSession, doing: string): OrderAnswer {
  const json = parseObject(response.body);
  const { status, identifiers, profile, expires, authorizations, finalize, certificate } = json ?? {};
  if (typeof status !== "string") throw malformed(doing, "the answer is no order: it has no status");
  if (typeof finalize !== "string") throw malformed(doing, "the order has no URL finalize");
  if (!Array.isArray(authorizations) || !authorizations.every((one) => typeof one === "string")) {
    throw malformed(doing, "the order has no list of authorizations");
  }
  const names = Array.isArray(identifiers) ? identifiers.map(readAcmeIdentifier) : [];
  if (names.length === 0 || !names.every((name) => name !== undefined)) {
    throw malformed(doing, "the order has no list of identifiers");
  }
  // each costs a request; a name and its wildcard have one or two
  if (authorizations.length > names.length) {
    throw malformed(doing, `the order has ${authorizations.length} authorizations for ${names.length} names`);
  }
  if (status === "valid" && typeof certificate !== "string") {
    throw malformed(doing, "the order is valid and has no URL of its certificate");
  }
  for (const link of [finalize, ...authorizations, ...(typeof certificate === "string" ? [certificate] : [])]) {
    session.readLink(link, `${doing}: a URL in the order`);
  }
  const error = readProblem(json?.error);
  const retryAfter = response.headers["retry-after"];
  return {
    order: {
      url,
      status,
      identifiers: names,
      ...(typeof profile === "string" && { profile }),
      ...(typeof expires === "string" && { expires }),
      authorizations,
      finalize,
      ...(typeof certificate === "string" && { certificate }),
      ...(error !== undefined && { error }),
    },
    ...(retryAfter !== undefined && { retryAfter }),
  };
}
