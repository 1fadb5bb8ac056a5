import { type ErrorCode, isTlsError, TlsError, type TlsErrorOptions } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { renderSecond } from "../../text/time";
import { parseObject } from "./directory";
import { readLinks, readRetryMoment } from "./headers";
import { codeOf } from "./problem-codes";
import { hintOf } from "./problem-hints";
import type { AcmeProblem, AcmeSubproblem } from "./problem-types";
import type { AcmeResponse } from "./transport";

/** What is known of an {@link AcmeError} beside its message. */
export interface AcmeErrorOptions extends TlsErrorOptions {
  readonly problem?: AcmeProblem;
}

/** A {@link TlsError} with what the CA said. */
export class AcmeError extends TlsError {
  /** Absent for a failure that the CA said nothing of. */
  readonly problem?: AcmeProblem;

  constructor(code: ErrorCode, reason: string, options: AcmeErrorOptions = {}) {
    super(code, reason, options);
    if (options.problem !== undefined) this.problem = options.problem;
  }
}

/** Whether `error` is a {@link TlsError} that carries a CA's problem. */
export function isAcmeError(error: unknown): error is AcmeError & { readonly problem: AcmeProblem } {
  return isTlsError(error) && "problem" in error && error.problem !== undefined;
}

/** RFC 8555 section 6.7. */
const URN = "urn:ietf:params:acme:error:";

/** Let's Encrypt's texts on limits say the time too: "retry after 2026-12-01 07:00:00 UTC". */
const retryText = /retry after (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/;

/**
 * What is read of each text of a CA, in characters: patterns that look through it take quadratic time, and 1 MiB of it
 * would hold up every deadline of this process for a minute.
 */
const LONGEST_READ = 2048;

/** Links beyond are not shown. */
const MOST_LINKS = 3;
const MOST_SUBPROBLEMS = 10;
/** No certificate has as many names. */
const MOST_READ = 1000;

/**
 * Reads a problem that stands inside an order, an authorization or a challenge (`error`), or is a body itself. Undefined
 * when it is none. Members of another type than they should have are taken for absent.
 */
export function readProblem(value: unknown): AcmeProblem | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { type, detail, title, status, instance, subproblems } = value as Readonly<Record<string, unknown>>;
  if (typeof type !== "string" && typeof detail !== "string") return undefined;
  const said = parseSubproblem(value) as AcmeSubproblem;
  const text = said.detail === "" && typeof title === "string" ? title.slice(0, LONGEST_READ) : said.detail;
  const [, day, time] = retryText.exec(text) ?? [];
  return {
    ...said,
    detail: text,
    ...(typeof status === "number" ? { status } : {}),
    subproblems: Array.isArray(subproblems)
      ? subproblems.slice(0, MOST_READ).flatMap((one) => parseSubproblem(one) ?? [])
      : [],
    ...(day === undefined ? {} : { retryAfter: new Date(`${day}T${time}Z`) }),
    links: typeof instance === "string" && /^https?:/.test(instance) ? [instance.slice(0, LONGEST_READ)] : [],
  };
}

/** Reads the problem of an answer with a status from 300 on; one that says nothing has the type `about:blank` (RFC 7807). */
export function readAnsweredProblem(response: AcmeResponse, now: Date): AcmeProblem {
  const { status, headers, body } = response;
  const said = readProblem(parseObject(body)) ?? (readProblem({ type: "about:blank", detail: "" }) as AcmeProblem);
  const retryAfter = readRetryMoment(headers, now);
  const rels = ["help", "terms-of-service"];
  const links = readLinks(headers.link).filter(({ rel }) => rels.includes(rel));
  return {
    ...said,
    status,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    links: [...said.links, ...links.map(({ target }) => target)].filter((link) => /^https?:/.test(link)),
  };
}

/** Makes the error of a problem; `doing` begins its message, "placing the order for example.com". */
export function explainProblem(problem: AcmeProblem, doing: string): AcmeError {
  const { kind, detail, status, subproblems, retryAfter, links } = problem;
  const told = detail === "" ? "" : `: ${renderCaText(detail)}`;
  const each = subproblems
    .slice(0, MOST_SUBPROBLEMS)
    .map(
      (one) => `; for ${renderQuoted(one.identifier?.value ?? "?")} (${renderKind(one)}): ${renderCaText(one.detail)}`,
    );
  const rest = subproblems.length > MOST_SUBPROBLEMS ? `; and ${subproblems.length - MOST_SUBPROBLEMS} more` : "";
  const shown = [...new Set(links)].filter((link) => !detail.includes(link)).slice(0, MOST_LINKS);
  const see = shown.length === 0 ? "" : ` See ${shown.map(renderCaText).join(", ")}.`;
  const label =
    kind === "about:blank"
      ? `status ${status}`
      : `${renderKind(problem)}${status === undefined ? "" : `, status ${status}`}`;
  const hint = hintOf(problem);
  return new AcmeError(codeOf(problem), `${doing}: the CA answered ${label}${told}${each.join("")}${rest}.${see}`, {
    problem,
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfter === undefined ? {} : { retryAt: renderSecond(retryAfter.getTime()) }),
  });
}

/** Makes the error of an answer with a status from 300 on. */
export function explainAnswer(response: AcmeResponse, doing: string, now: Date): AcmeError {
  const { status, headers } = response;
  const location = headers.location;
  if (status >= 300 && status < 400 && location !== undefined) {
    return new AcmeError(
      "ACME_PROTOCOL",
      `${doing}: the CA answered status ${status} and sends to ${renderQuoted(location)}; redirections are not followed.`,
      { hint: "Give the URL of the directory as the CA documents it.", problem: readAnsweredProblem(response, now) },
    );
  }
  return explainProblem(readAnsweredProblem(response, now), doing);
}

function parseSubproblem(value: unknown): AcmeSubproblem | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, detail, identifier } = value as Readonly<Record<string, unknown>>;
  const name = typeof type === "string" ? type.slice(0, LONGEST_READ) : "about:blank";
  const named = identifier as Readonly<Record<string, unknown>> | null | undefined;
  const isNamed = typeof named === "object" && typeof named?.type === "string" && typeof named.value === "string";
  return {
    type: name,
    kind: name.startsWith(URN) ? name.slice(URN.length) : name,
    detail: typeof detail === "string" ? detail.slice(0, LONGEST_READ) : "",
    ...(isNamed
      ? {
          identifier: {
            type: String(named.type).slice(0, LONGEST_READ),
            value: String(named.value).slice(0, LONGEST_READ),
          },
        }
      : {}),
  };
}

/** A kind of the registry is a word; what is none is a stranger's text. */
function renderKind({ kind }: AcmeSubproblem): string {
  return /^[A-Za-z]{1,40}$/.test(kind) ? kind : renderQuoted(kind);
}

const pemBody = /(-----BEGIN [^-]*-----).*/s;

/** Let's Encrypt's longest texts, with several names and the link that ends a pause, have 700 characters. */
const LONGEST_TEXT = 1200;

/**
 * Renders what a CA wrote for a message: in double quotes, cut at 1,200 characters, everything invisible escaped so that
 * it can't break a line or steer a terminal. Links stay whole with their query: the one that ends a pause works only so.
 */
export function renderCaText(text: string): string {
  const open = text
    .slice(0, 2 * LONGEST_TEXT)
    .trim()
    .replace(pemBody, "$1…");
  const short = open.length > LONGEST_TEXT ? `${open.slice(0, LONGEST_TEXT)}…` : open;
  // line ends of a text in paragraphs are no attack
  const lines = short.split("\n").map((line) => line.trim());
  const visible = lines
    .filter((line) => line !== "")
    .join(" ")
    .replace(
      /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
  return `"${visible}"`;
}
