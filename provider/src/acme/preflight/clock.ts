import type { PreflightFinding } from "../look/finding";

/** From here on dates that are compared with the CA's are off by more than a person expects. */
const warningSeconds = 5 * 60;
/** Let's Encrypt makes certificates valid from an hour before: from here on ours may not be valid yet. */
const errorSeconds = 60 * 60;

/**
 * Judges how far the clocks of the CA and of this machine are apart; `offsetSeconds` is positive where the CA's is
 * ahead. Renewal dates, the CA's window and `persistUntil` are all compared with the clock of this machine.
 */
export function judgeClock(offsetSeconds: number | undefined): readonly PreflightFinding[] {
  const apart = Math.abs(offsetSeconds ?? 0);
  if (apart < warningSeconds) return [];
  const where = (offsetSeconds ?? 0) > 0 ? "behind" : "ahead of";
  return [
    {
      severity: apart < errorSeconds ? "warning" : "error",
      subject: "the CA",
      found: `the clock of this machine is ${renderSpan(apart)} ${where} the CA's, and what renews when is decided by it`,
      hint: "Set the clock of the machine that runs Pulumi, best by NTP (timedatectl set-ntp true).",
    },
  ];
}

function renderSpan(seconds: number): string {
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} minutes`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)} hours` : `${Math.floor(seconds / 86_400)} days`;
}
