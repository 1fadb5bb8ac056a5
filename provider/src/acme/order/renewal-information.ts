import { readRetryAfter } from "../../network/retry-after";
import { renderTimestamp } from "../../text/time";
import { items, octets, readDer } from "../../x509/asn1/der";
import type { Certificate } from "../../x509/certificate/certificate";
import { isAcmeError } from "../client/problem";
import type { UnsignedSession } from "../client/session";
import type { Deadline } from "../run/deadline";

/** When the CA wants a certificate to be renewed (RFC 9773 section 4.2). Moments are ISO 8601 UTC in whole seconds. */
export interface RenewalInformation {
  /** Of the certificate that it is about, from {@link renewalInfoId}: for any other it says nothing. */
  readonly id: string;
  readonly start: string;
  /** Always after `start`. */
  readonly end: string;
  /** A page that says why, when the CA has something to say. */
  readonly explanationUrl?: string;
  /** Not to be asked again before. */
  readonly nextAskAt: string;
}

/** What RFC 9773 section 4.3.2 leaves to the client: bounds of Retry-After, and what stands for an absent one. Seconds. */
const pause = { least: 60, most: 24 * 3600, otherwise: 6 * 3600 } as const;

/** A page's address has some dozens of characters. */
const LONGEST_URL = 2048;

/**
 * The identifier of a certificate for renewal information and for `replaces` of an order (RFC 9773 section 4.1): its
 * authority key identifier and the content octets of its serial number, a leading 00 kept. Undefined without the former.
 */
export function renewalInfoId(certificate: Certificate): string | undefined {
  if (certificate.authorityKeyId === undefined) return undefined;
  const what = "the certificate";
  const fields = items(items(readDer(certificate.der, what), what)[0], what);
  // version is [0] EXPLICIT, and a certificate with this extension is of version 3
  const serial = octets(fields[1], "the serial number");
  return `${Buffer.from(certificate.authorityKeyId, "hex").toString("base64url")}.${serial.toString("base64url")}`;
}

/**
 * Asks the CA when it wants a certificate to be renewed: one GET that is not signed. Undefined when the CA does not offer
 * that, does not know the certificate, or answers what can't be used (RFC 9773 section 4.2: an end that is not after the
 * start), so that the caller's own rule holds.
 * @throws TlsError ACME_UNREACHABLE, ACME_RATE_LIMITED and others of a request; they need not keep a renewal back
 */
export async function askRenewalInformation(
  session: UnsignedSession,
  certificate: Certificate,
  deadline: Deadline,
): Promise<RenewalInformation | undefined> {
  const { renewalInfo } = await session.directory(deadline);
  const id = renewalInfoId(certificate);
  if (renewalInfo === undefined || id === undefined) return undefined;
  const url = `${renewalInfo.replace(/\/$/, "")}/${id}`;
  try {
    const { body, headers } = await session.get(url, { doing: "asking when to renew", deadline });
    return readRenewalInformation(body, { id, retryAfter: headers["retry-after"], now: session.clock.now() });
  } catch (error) {
    const status = isAcmeError(error) ? (error.problem.status ?? 0) : 0;
    if (status >= 400 && status < 500 && status !== 429) return undefined;
    throw error;
  }
}

/** Reads an answer; undefined for what is not one of RFC 9773 section 4.2. */
export function readRenewalInformation(
  body: Buffer,
  { id, retryAfter, now }: { readonly id: string; readonly retryAfter: string | undefined; readonly now: Date },
): RenewalInformation | undefined {
  const answer = readObject(body);
  const window = objectOf(answer?.suggestedWindow);
  const [start, end] = [readMoment(window?.start), readMoment(window?.end)];
  if (start === undefined || end === undefined || end <= start) return undefined;
  const explanationUrl = readPage(answer?.explanationURL);
  return {
    id,
    start: renderTimestamp(new Date(start)),
    end: renderTimestamp(new Date(end)),
    ...(explanationUrl !== undefined && { explanationUrl }),
    nextAskAt: renderTimestamp(new Date(now.getTime() + 1000 * secondsToPause(retryAfter, now))),
  };
}

function secondsToPause(retryAfter: string | undefined, now: Date): number {
  const moment = readRetryAfter(retryAfter, now);
  if (moment === undefined) return pause.otherwise;
  const seconds = (Date.parse(moment) - now.getTime()) / 1000;
  return Math.min(Math.max(Math.ceil(seconds), pause.least), pause.most);
}

function readObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}

/** RFC 3339 section 5.6; milliseconds, cut to whole seconds. */
function readMoment(value: unknown): number | undefined {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.test(value)) {
    return undefined;
  }
  const moment = Date.parse(value.toUpperCase());
  return Number.isNaN(moment) ? undefined : Math.floor(moment / 1000) * 1000;
}

/** It is shown to a person: what is no address of a page is left out. */
function readPage(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length > LONGEST_URL || !/^https?:\/\/[\x21-\x7e]+$/.test(value)) {
    return undefined;
  }
  return URL.canParse(value) ? value : undefined;
}
