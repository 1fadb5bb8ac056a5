import { isTlsError, TlsError } from "../../errors";

/** One thing that was seen before an order, and that would keep it from its end, or may. */
export interface PreflightFinding {
  /** "error": the order would fail, so it is not made. "warning": it may. */
  readonly severity: "error" | "warning";
  /** A warning since nothing was seen, right or wrong: where there is a choice, nothing stands there. */
  readonly isUnseen?: true;
  /** What it is about: the host name as it is ordered, or the CA. */
  readonly subject: string;
  /** What was looked at, found and expected: a clause without its end, which follows the subject and a colon. */
  readonly found: string;
  /** What to do, a sentence. */
  readonly hint: string;
}

/** As many as a person reads; a hundred names fail for the same reason. */
const MOST_FINDINGS = 10;

/** Findings of any severity, one a line: what each is about, what was seen, what to do. At most 10, and how many more. */
export function renderFindings(findings: readonly PreflightFinding[]): readonly string[] {
  const lines = findings.slice(0, MOST_FINDINGS).map(({ subject, found, hint }) => `${subject}: ${found}. ${hint}`);
  const left = findings.length - lines.length;
  return [...lines, ...(left > 0 ? [`and ${left} more`] : [])];
}

/**
 * Refuses to go on when there is an error among the findings; warnings pass.
 * @throws TlsError ACME_PREFLIGHT, with every error, at most 10
 */
export function requirePreflight(findings: readonly PreflightFinding[]): void {
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const what = errors.length === 1 ? "one thing" : `${errors.length} things`;
  const lines = renderFindings(errors).map((line, index) => (index < MOST_FINDINGS ? `${index + 1}. ${line}` : line));
  throw new TlsError(
    "ACME_PREFLIGHT",
    `looking at what the CA is going to look at: ${what} would keep the order from its end:\n${lines.join("\n")}\n`,
    { hint: "Nothing was ordered, so no limit of the CA was touched: put it right, and run it again." },
  );
}

/** The error of answers that are not in place once there are tokens; undefined when no finding is an error. */
export function explainMissing(doing: string, findings: readonly PreflightFinding[]): TlsError | undefined {
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return undefined;
  const shown = errors.slice(0, MOST_FINDINGS).map(({ subject, found }) => `${subject}: ${found}`);
  const left = errors.length - shown.length;
  if (left > 0) shown.push(`and ${left} more`);
  const hints = [...new Set(errors.map(({ hint }) => hint))];
  return new TlsError("ACME_CHALLENGE", `${doing}: ${shown.join("; ")}.`, { hint: hints.join(" ") });
}

/** What was not seen within the time is a warning, so that it does not take with it what was seen. */
export async function findInTime(
  subject: string,
  what: string,
  work: () => Promise<readonly PreflightFinding[]>,
): Promise<readonly PreflightFinding[]> {
  try {
    return await work();
  } catch (error) {
    if (!isTlsError(error) || error.code !== "ACME_TIMEOUT") throw error;
    return [
      {
        severity: "warning",
        isUnseen: true,
        subject,
        found: `${what} could not be looked at within the time that there is before an order`,
        hint: "Look whether the DNS and the gateway answer quickly from the machine that runs Pulumi.",
      },
    ];
  }
}
