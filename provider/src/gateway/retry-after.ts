import type { Maintenance } from "./model/site";

/** Five minutes, where a site says nothing. */
const DEFAULT_SECONDS = 300;

/** The value of Retry-After in maintenance, in seconds (RFC 9110 section 10.2.3). */
export function renderRetryAfter({ retryAfterSeconds = DEFAULT_SECONDS }: Maintenance): string {
  return String(retryAfterSeconds);
}
