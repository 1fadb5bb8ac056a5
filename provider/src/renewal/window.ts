import { createHash } from "node:crypto";
import { renderMoment, renderTimestamp } from "../text/time";

/** When a CA wants a certificate to be renewed (RFC 9773 section 4.2). */
export interface RenewalWindow {
  /** The certificate's own identifier (section 4.1): a window of another certificate says nothing about this one. */
  readonly id: string;
  /** ISO 8601 UTC. */
  readonly start: string;
  /** ISO 8601 UTC, after `start`. */
  readonly end: string;
  /** Where the CA says why, to be shown to a person. */
  readonly explanationUrl?: string;
}

/**
 * The moment inside of the window at which this certificate renews: as good as random among certificates, so that a CA is
 * not met by all of them at once (section 4.2), and always the same for one certificate and window, so that preview and
 * up agree.
 */
export function chooseMoment({ id, start, end }: RenewalWindow): Date {
  const [first, last] = [Date.parse(start), Date.parse(end)];
  const hash = createHash("sha256")
    .update(JSON.stringify([id, start, end]))
    .digest();
  const share = hash.readUIntBE(0, 6) / 2 ** 48;
  return new Date(Math.floor((first + share * (last - first)) / 1000) * 1000);
}

/** The window for a person: `the CA's window from 2026-12-01 to 2026-12-03, chosen 2026-12-02T04:11:00Z (why: URL)`. */
export function describeWindow(window: RenewalWindow, lifetime: number): string {
  const [from, to] = [window.start, window.end].map((moment) => renderMoment(new Date(moment), lifetime));
  const why = window.explanationUrl === undefined ? "" : ` (why: ${window.explanationUrl})`;
  return `the CA's window from ${from} to ${to}, chosen ${renderTimestamp(chooseMoment(window))}${why}`;
}
