import type { IncomingHttpHeaders } from "node:http";
import { readRetryAfter } from "../network/retry-after";

/** Whole seconds, as in the headers. */
const second = 1000;

/**
 * When an answer says that it may be asked again (RFC 9110 section 10.2.3), by the clock of this machine: a date is held
 * against the server's own Date, so that a clock that is wrong here makes no wait longer or shorter. A date in the
 * past means now. Undefined when the header is absent or is neither seconds nor a date.
 */
export function readRetryMoment(headers: IncomingHttpHeaders, now: Date): Date | undefined {
  const header = headers["retry-after"];
  const told = Date.parse(headers.date ?? "");
  const here = Math.floor((Number.isNaN(told) ? now.getTime() : told) / second) * second;
  const moment = readRetryAfter(header, new Date(here));
  if (moment !== undefined) return new Date(now.getTime() + Date.parse(moment) - here);
  // a date that is over is still one
  return readRetryAfter(header, new Date(0)) === undefined ? undefined : now;
}
