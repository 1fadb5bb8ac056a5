import { renderTimestamp } from "../text/time";

/** The three forms of a date in HTTP, newest first; the last one lacks the zone that it is in. */
const dateForms: readonly (readonly [form: RegExp, zone: string])[] = [
  [/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/, ""],
  [/^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/, ""],
  [/^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/, " GMT"],
];

/**
 * Reads the header Retry-After, seconds or a date, into the moment that it means, ISO 8601 UTC in whole seconds.
 * Undefined when it is absent, neither of both, or in the past. RFC 9110 sections 10.2.3 and 5.6.7.
 */
export function readRetryAfter(header: string | undefined, now: Date): string | undefined {
  const text = header?.trim() ?? "";
  // eight digits are three years, so the moment can be written
  const moment = /^\d{1,8}$/.test(text) ? now.getTime() + Number(text) * 1000 : readDate(text);
  if (Number.isNaN(moment) || moment < now.getTime()) return undefined;
  return renderTimestamp(new Date(moment));
}

function readDate(text: string): number {
  const zone = dateForms.find(([form]) => form.test(text))?.[1];
  return zone === undefined ? Number.NaN : Date.parse(`${text}${zone}`);
}
