import { randomBytes } from "node:crypto";
import { explainMissing } from "../../preflight/finding-report";
import { findInTime } from "../../preflight/in-time";
import { inParallel } from "../../run/in-parallel";
import { AnswerLook } from "../http-01-look";
import { type ChallengeSolver, checkToken, type GatewaySettings, refuseWildcard, type SolverContext } from "../solver";

/** Of a token at Let's Encrypt: 43 characters. */
const tokenOctets = 32;

/**
 * Has http-01 (RFC 8555 section 8.3) answered by the gateway alone: every token by the token, a dot and the thumbprint of
 * the account's key, so that there is nothing to put in place and nothing to take away. Before an order each name is asked
 * with a token that nobody knows yet, at each of its addresses, and again with the real one. What this machine can't
 * see (another network, a resolver that is silent) is a warning, and left to the CA.
 */
export function createGatewaySolver(settings: GatewaySettings, context: SolverContext): ChallengeSolver {
  const look = new AnswerLook(settings, context);
  return {
    type: "http-01",
    isStanding: true,
    refuse: refuseWildcard,
    preflight: async (names, deadline) => {
      const found = await inParallel(names, (name) => {
        const token = randomBytes(tokenOctets).toString("base64url");
        const work = () => look.find({ name, token, madeBy: "gateway" }, deadline);
        return findInTime(name.identifier.value, "what its gateway answers", work);
      });
      return found.flat();
    },
    present: async (tasks, deadline) => {
      const found = await inParallel(tasks, (name) =>
        look.find({ name, token: checkToken(name.token), madeBy: "gateway" }, deadline),
      );
      const error = explainMissing("asking the gateway for the answers to the challenges", found.flat());
      if (error !== undefined) throw error;
    },
    cleanUp: async () => {},
  };
}
