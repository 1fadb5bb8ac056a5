import type { AcmeClock } from "../clock";
import type { AccountKey } from "../jws";
import { createCommandSolver } from "./dns-01-command";
import { createHttpListenerSolver } from "./http-01-listener";
import { createWebrootSolver } from "./http-01-webroot";
import type { ChallengeSettings, ChallengeSolver } from "./solver";
import { createTlsAlpnSolver } from "./tls-alpn-01-listener";

/** One function a challenge type: a new kind is a file and a line. */
const kinds: {
  readonly [Type in ChallengeSettings["type"]]: (
    settings: Extract<ChallengeSettings, { type: Type }>,
    clock: AcmeClock,
  ) => ChallengeSolver;
} = {
  "http-01": (settings) => ("webroot" in settings ? createWebrootSolver(settings) : createHttpListenerSolver(settings)),
  "tls-alpn-01": (settings, clock) => createTlsAlpnSolver(settings, clock),
  "dns-01": (settings, clock) => createCommandSolver(settings, clock),
};

/**
 * The solver of these settings. It holds what one certificate presents: one solver a certificate; listeners and locks
 * are shared in the process. `_key` is for kinds whose answer depends on the account alone; no kind needs it yet.
 */
export function createSolver(settings: ChallengeSettings, _key: AccountKey, clock: AcmeClock): ChallengeSolver {
  switch (settings.type) {
    case "http-01":
      return kinds["http-01"](settings, clock);
    case "tls-alpn-01":
      return kinds["tls-alpn-01"](settings, clock);
    case "dns-01":
      return kinds["dns-01"](settings, clock);
  }
}
