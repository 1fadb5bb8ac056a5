import type { IncomingHttpHeaders } from "node:http";

/**
 * By how many seconds the clock of who answered is ahead of ours: the header Date, which an answer from a cache has
 * with its Age (RFC 9110 section 6.6.1, RFC 9111 section 5.1). Undefined when there is none. Right to a few seconds.
 */
export function readClockOffset({ date, age }: IncomingHttpHeaders, now: Date): number | undefined {
  const moment = Date.parse(date ?? "");
  if (Number.isNaN(moment)) return undefined;
  const seconds = /^\d{1,8}$/.test(age ?? "") ? Number(age) : 0;
  return (moment - now.getTime()) / 1000 + seconds;
}
