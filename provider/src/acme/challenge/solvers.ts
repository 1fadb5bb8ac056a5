import { createCommandSolver } from "./dns-01/command";
import { createOrderRecordsSolver } from "./dns-01/records";
import { createPersistSolver } from "./dns-persist-01/solver";
import { createHttpListenerSolver } from "./http-01/listener";
import { createGatewaySolver, createOrderResourcesSolver } from "./http-01/standing";
import { createWebrootSolver } from "./http-01/webroot";
import type { ChallengeSettings, ChallengeSolver, SolverContext } from "./solver";
import { createTlsAlpnSolver } from "./tls-alpn-01/listener";

/**
 * The solver of these settings: a new kind is a file and a line. It holds what one certificate presents: one solver a
 * certificate; listeners and locks are shared in the process.
 */
export function createSolver(settings: ChallengeSettings, context: SolverContext): ChallengeSolver {
  switch (settings.type) {
    case "http-01":
      if ("via" in settings) {
        const { via } = settings;
        return via === "gateway"
          ? createGatewaySolver(settings, context)
          : createOrderResourcesSolver(settings, context);
      }
      return "webroot" in settings ? createWebrootSolver(settings) : createHttpListenerSolver(settings);
    case "tls-alpn-01":
      return createTlsAlpnSolver(settings, context.clock);
    case "dns-01":
      if ("via" in settings) return createOrderRecordsSolver(settings, context.clock);
      return createCommandSolver(settings, context.clock);
    case "dns-persist-01":
      return createPersistSolver(settings, context);
  }
}
