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
