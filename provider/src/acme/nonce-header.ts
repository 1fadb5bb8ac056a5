import { readAnsweredProblem } from "./client/problem";
import type { AcmeResponse } from "./client/transport";

/** RFC 8555 section 6.5.1: base64url; a header of another kind is none. */
const noncePattern = /^[A-Za-z0-9_-]{1,512}$/;

/** The nonce that an answer brings (header Replay-Nonce), undefined when it has none. */
export function nonceOf({ headers }: AcmeResponse): string | undefined {
  const nonce = headers["replay-nonce"];
  return typeof nonce === "string" && noncePattern.test(nonce) ? nonce : undefined;
}

/** Whether the CA refuses the nonce of the request. RFC 8555 section 6.5. */
export function isBadNonce(response: AcmeResponse): boolean {
  return response.status === 400 && readAnsweredProblem(response, new Date(0)).kind === "badNonce";
}
