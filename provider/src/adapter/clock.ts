import { TlsError } from "../errors";
import { readMoment } from "../text/time";

/** The environment variable that makes a preview decide as of another day. */
export const AS_OF = "TLS_GATEWAY_AS_OF";

/**
 * The moment that decisions are made for: the wall clock, or `TLS_GATEWAY_AS_OF` (`2027-03-01`, taken as 00:00 UTC, or
 * `2027-03-01T12:00Z`).
 *
 * @throws TlsError `CLOCK_SET` when the variable is not a date.
 */
export function readClock(): Date {
  const text = process.env[AS_OF];
  if (text === undefined || text === "") return new Date();
  const moment = readMoment(text);
  if (moment === undefined) {
    throw new TlsError("CLOCK_SET", `${AS_OF} is ${JSON.stringify(text)}, which is not a date.`, {
      hint: `write it as ${AS_OF}=2027-03-01 or ${AS_OF}=2027-03-01T12:00Z.`,
    });
  }
  return moment;
}

/** Whether `TLS_GATEWAY_AS_OF` stands for the clock. */
export function isClockSet(): boolean {
  return (process.env[AS_OF] ?? "") !== "";
}

/**
 * Refuses an effect while `TLS_GATEWAY_AS_OF` is set: a certificate made on a day that is not today would be wrong.
 *
 * @throws TlsError `CLOCK_SET`.
 */
export function requireWallClock(what: string): void {
  if (!isClockSet()) return;
  throw new TlsError("CLOCK_SET", `${what}: refused while ${AS_OF}=${process.env[AS_OF]} is set.`, {
    hint: `it is for \`pulumi preview\` only; unset it and run \`pulumi up\` again.`,
  });
}
