import { renderUrl } from "../../../network/url";
import { renderQuoted } from "../../../text/quoted";
import { trimEnd } from "../../../text/trim";
import type { PreflightFinding } from "../../look/finding";
import type { HttpLook } from "../../look/http";

/** The folder of RFC 8555 section 8.3, without slash at either end; a file in it is named by its token. */
export const CHALLENGE_FOLDER = ".well-known/acme-challenge";

/** What is to be seen, and who has put it there. */
export interface ExpectedAnswer {
  /** The name as it is ordered. */
  readonly subject: string;
  readonly token: string;
  /** RFC 8555 section 8.1: what stands behind the token and a dot. */
  readonly thumbprint: string;
  /** For the hints: what answers. */
  readonly madeBy: "gateway" | "order";
}

/** Who is to be looked at when nothing answers as it should. */
const makers = {
  gateway: "the gateway's configuration, with the responder of this account, is in force there",
  order: "the resource that puts the answer in place writes to what serves this address",
} as const;

/** What a responder that repeats the token may call it: a browser takes neither for a page. */
const harmlessTypes: readonly string[] = ["text/plain", "application/octet-stream"];

/** Whether this is the answer that a CA wants: white space at its end does not matter (RFC 8555 section 8.3). */
function isRight(look: HttpLook, { token, thumbprint }: Pick<ExpectedAnswer, "token" | "thumbprint">): boolean {
  return look.kind === "answer" && look.status === 200 && trimmed(look.body) === `${token}.${thumbprint}`;
}

/**
 * What is wrong with the answers of a name's addresses, one finding each. CAs ask an IPv6 address first, and go on with
 * IPv4 only where no connection comes about: where one family is right, the other one's failures count by that.
 */
export function judgeAnswers(looks: readonly HttpLook[], expected: ExpectedAnswer): readonly PreflightFinding[] {
  const isSix = ({ address }: HttpLook) => address.includes(":");
  const isFamilyRight = (six: boolean) => {
    const own = looks.filter((look) => isSix(look) === six);
    return own.length > 0 && own.every((look) => isRight(look, expected));
  };
  const [isFourRight, isSixRight] = [isFamilyRight(false), isFamilyRight(true)];
  return looks.flatMap((look): readonly PreflightFinding[] => {
    if (isRight(look, expected)) return judgeType(look, expected);
    const { found, hint } = explain(look, expected);
    const isPassedOver = isSix(look) ? isFourRight && look.kind === "failure" && look.isUnconnected : isSixRight;
    const isUnseen = look.kind === "failure" && look.isUnseen;
    const isSplit = isSix(look) && isFourRight && !isUnseen;
    return [
      {
        severity: isUnseen || isPassedOver ? "warning" : "error",
        ...(isUnseen && !isPassedOver && { isUnseen: true as const }),
        subject: expected.subject,
        found: `${found}${isSplit ? "; over IPv4 the answer is right, but CAs ask IPv6 first" : ""}`,
        hint: isSplit ? "Let the AAAA record lead to the same gateway as the A record, or remove it." : hint,
      },
    ];
  });
}

/** Who repeats the token as a page lets anybody write that page (RFC 8555 section 10.2). */
function judgeType(look: HttpLook, { subject, madeBy }: ExpectedAnswer): readonly PreflightFinding[] {
  if (look.kind !== "answer" || madeBy !== "gateway") return [];
  const type = look.contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (harmlessTypes.includes(type)) return [];
  const called = look.contentType === undefined ? "without a Content-Type" : `as ${renderQuoted(look.contentType)}`;
  return [
    {
      severity: "warning",
      subject,
      found: `${asked(look)}: the right answer, but ${called}, so a browser may take what somebody writes into the path for a page`,
      hint: "Let the responder say Content-Type: text/plain.",
    },
  ];
}

type Explanation = Pick<PreflightFinding, "found" | "hint">;

function explain(look: HttpLook, expected: ExpectedAnswer): Explanation {
  const where = asked(look);
  if (look.kind === "failure") {
    const hint = look.hint ?? failureHint(look);
    return { found: `${where}: ${look.found}`, hint };
  }
  const { answer, hint } = describeAnswer(look, expected);
  const wanted = `expected was the token, a dot and the thumbprint ${expected.thumbprint}`;
  const redirected =
    look.redirects > 0 && look.status !== 200 ? " Or let the path be answered before the redirection." : "";
  return { found: `${where}: ${answer}; ${wanted}`, hint: `${hint}${redirected}` };
}

function failureHint(look: HttpLook): string {
  if (look.kind === "failure" && look.isUnseen) {
    return "This machine has no way there, so it is not known what a CA sees: nothing is to be done where it is right.";
  }
  const behind = look.redirects > 0 ? "Answer the path before the redirection, or let " : "Let ";
  const port = look.url.port === "" ? (look.url.protocol === "https:" ? "443" : "80") : look.url.port;
  return `${behind}port ${port} of this address be reached from everywhere, by firewall, forwarding and the gateway's listener; look whether the A and AAAA records are the gateway's.`;
}

function describeAnswer(
  look: HttpLook & { readonly kind: "answer" },
  { token, thumbprint, madeBy }: ExpectedAnswer,
): { readonly answer: string; readonly hint: string } {
  const { status, contentType = "", isCut } = look;
  const body = trimmed(look.body);
  // both look like keys, which no message repeats
  const known = body.replaceAll(token, "<token>").replaceAll(thumbprint, "<thumbprint>");
  const said = body === "" ? "an empty answer" : `${renderQuoted(known)}${isCut ? ", more than 64 KiB" : ""}`;
  const answer = `status ${status}, ${said}`;
  const lookWhether = `Look whether ${makers[madeBy]}`;
  if (status === 200) {
    const other = body.startsWith(`${token}.`) ? body.slice(token.length + 1) : "";
    if (/^[A-Za-z0-9_-]{43}$/.test(other)) {
      const hint = `Look whether ${madeBy === "gateway" ? "the gateway's responder" : "the answer there"} is of this account: after another key or another CA it is another one.`;
      return { answer: `it answers for another account's key, with the thumbprint ${other}`, hint };
    }
    const isPage = /^(text\/html|application\/xhtml)/i.test(contentType) || /^<(!doctype|html)\b/i.test(body);
    if (isPage) {
      return {
        answer: `status 200, an HTML page, ${said}`,
        hint: `Another site, or an application behind this one, answers for the path: let /.well-known/acme-challenge/ go before it. ${lookWhether}.`,
      };
    }
    return { answer, hint: `${lookWhether}.` };
  }
  if (status === 404) return { answer, hint: `Nothing answers for the path. ${lookWhether}.` };
  if (status === 401 || status === 403) {
    return { answer, hint: "A login or a filter stands before the path: let /.well-known/acme-challenge/ pass." };
  }
  if (status >= 300 && status < 400) {
    return { answer, hint: "CAs follow redirections with the status 301, 302, 307 and 308 and a Location alone." };
  }
  if (status >= 500) return { answer, hint: `The server has a fault, or what is behind it. ${lookWhether}.` };
  return { answer, hint: `${lookWhether}.` };
}

function asked({ address, url, redirects }: HttpLook): string {
  const by = redirects > 0 ? ` (${redirects === 1 ? "by a redirection" : `by ${redirects} redirections`})` : "";
  return `${renderUrl(url)} at ${address}${by}`;
}

/** Not every space of Unicode, which JavaScript would take away. */
function trimmed(text: string): string {
  return trimEnd(text, " \t\r\n\v\f");
}
