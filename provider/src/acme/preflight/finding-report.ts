import { TlsError } from "../../errors";
import type { PreflightFinding } from "../look/finding";

/** As many as a person reads; a hundred names fail for the same reason. */
const mostFindings = 10;

/** Findings of any severity, one a line: what each is about, what was seen, what to do. At most 10, and how many more. */
export function renderFindings(findings: readonly PreflightFinding[]): readonly string[] {
  const lines = findings.slice(0, mostFindings).map(({ subject, found, hint }) => `${subject}: ${found}. ${hint}`);
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
  const lines = renderFindings(errors).map((line, index) => (index < mostFindings ? `${index + 1}. ${line}` : line));
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
  const shown = errors.slice(0, mostFindings).map(({ subject, found }) => `${subject}: ${found}`);
  const left = errors.length - shown.length;
  if (left > 0) shown.push(`and ${left} more`);
  const hints = [...new Set(errors.map(({ hint }) => hint))];
  return new TlsError("ACME_CHALLENGE", `${doing}: ${shown.join("; ")}.`, { hint: hints.join(" ") });
}
