/** Lengths of time in milliseconds. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * A length of time in the largest unit that leaves at least two of it, for a message: `"21 days"`, `"36 hours"`.
 *
 * @param milliseconds rounded down to the unit; a negative length counts as zero.
 */
export function renderDuration(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  for (const [unit, name] of [
    [DAY, "days"],
    [HOUR, "hours"],
    [MINUTE, "minutes"],
  ] as const) {
    if (length >= 2 * unit) return `${Math.floor(length / unit)} ${name}`;
  }
  return `${Math.floor(length / SECOND)} seconds`;
}

/** A moment for a message: the day alone for lives of ten days and more, else to the minute, always UTC. */
export function renderMoment(moment: Date, lifetime: number): string {
  const text = moment.toISOString();
  return lifetime >= 10 * DAY ? text.slice(0, 10) : `${text.slice(0, 16).replace("T", " ")} UTC`;
}

const momentForm = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/;

/** Reads a day (00:00 UTC) or a moment, `2027-03-01` or `2027-03-01T12:00Z`; undefined for anything else, and for 30 February. */
export function readMoment(text: string): Date | undefined {
  const moment = new Date(text);
  if (!momentForm.test(text) || Number.isNaN(moment.getTime())) return undefined;
  return moment.toISOString().startsWith(text.slice(0, 10)) ? moment : undefined;
}

/** ISO 8601 UTC without fractions of a second, which X.509 dates do not have: `"2026-11-23T00:00:00Z"`. */
export function renderTimestamp(moment: Date): string {
  return moment.toISOString().replace(/\.\d+Z$/, "Z");
}

/** For data: `2026-12-02T04:10:31Z`, never earlier than the moment. */
export function renderSecond(moment: number): string {
  return renderTimestamp(new Date(Math.ceil(moment / SECOND) * SECOND));
}

/** For a person, when something is possible: `2026-12-02T04:11Z`, never earlier than the moment. */
export function renderMinute(moment: number): string {
  return `${new Date(Math.ceil(moment / MINUTE) * MINUTE).toISOString().slice(0, 16)}Z`;
}
