import type { IncomingHttpHeaders } from "node:http";
import { readRetryAfter } from "../../network/retry-after";

/** One link of an answer. */
export interface Link {
  /** As it stands: it may be relative to the URL that was asked. */
  readonly target: string;
  /** One word of the parameter `rel`, lower case: "alternate", "up", "index", "help", "terms-of-service". */
  readonly rel: string;
}

/** Node itself takes no more of all headers together. */
const LONGEST_HEADER = 16 * 1024;

/** `<target>` and its parameters up to the next link; a comma may stand in the target and in quotes. */
const linkPattern = /<([^<>]*)>((?:[^,"<]|"(?:[^"\\]|\\.)*")*)/g;
const parameterPattern = /;\s*([a-z*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/gi;

/** Reads the header Link, which Node joins with commas when it comes several times. RFC 8288 section 3. */
export function readLinks(header: string | readonly string[] | undefined): readonly Link[] {
  const text = Array.isArray(header) ? header.join(", ") : String(header ?? "");
  return [...text.slice(0, LONGEST_HEADER).matchAll(linkPattern)].flatMap(([, target = "", parameters = ""]) =>
    relOf(parameters).map((rel) => ({ target, rel })),
  );
}

/** The words of the first `rel`; others are ignored, as the RFC says. */
function relOf(parameters: string): readonly string[] {
  for (const [, name = "", quoted, bare = ""] of parameters.matchAll(parameterPattern)) {
    if (name.toLowerCase() !== "rel") continue;
    return (quoted ?? bare)
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
  }
  return [];
}

/** Whole seconds, as in the headers. */
const SECOND = 1000;

/**
 * When an answer says that it may be asked again (RFC 9110 section 10.2.3), by the clock of this machine: a date is held
 * against the server's own Date, so that a clock that is wrong here makes no wait longer or shorter. A date in the
 * past means now. Undefined when the header is absent or is neither seconds nor a date.
 */
export function readRetryMoment(headers: IncomingHttpHeaders, now: Date): Date | undefined {
  const header = headers["retry-after"];
  const told = Date.parse(headers.date ?? "");
  const here = Math.floor((Number.isNaN(told) ? now.getTime() : told) / SECOND) * SECOND;
  const moment = readRetryAfter(header, new Date(here));
  if (moment !== undefined) return new Date(now.getTime() + Date.parse(moment) - here);
  // a date that is over is still one
  return readRetryAfter(header, new Date(0)) === undefined ? undefined : now;
}

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
