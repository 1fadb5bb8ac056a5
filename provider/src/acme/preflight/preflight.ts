import { renderDuration, SECOND } from "../../text/time";
import { findInTime, type PreflightFinding } from "../look/finding";
import { Deadline } from "../run/deadline";
import { lookAtDns } from "./dns";
import { judgePolicy } from "./policy";
import { orderedAs, type PreflightRequest, solversOf } from "./request";

export { renderFindings, requirePreflight } from "../look/finding";
export type { PreflightRequest } from "./request";

const DEFAULT_TIMEOUT_SECONDS = 20;

/**
 * Looks, before anything is ordered, at what the CA is going to look at: its clock and ours, its policy, the addresses and
 * the CAA records of each name, and what the solvers can tell. All at once, within 20 s. A private CA sees another DNS
 * than this machine, so for such a one the DNS is asked only by `resolvers`. What could not be seen is a warning.
 * @throws TlsError of the request for the directory; ACME_CHALLENGE: a resolver is none; ACME_TIMEOUT, ACME_ABORTED by
 * the deadline
 */
export async function runPreflight(
  request: PreflightRequest,
  deadline: Deadline,
): Promise<readonly PreflightFinding[]> {
  const { session, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = request;
  const { meta } = await session.directory(deadline);
  const bound = new Deadline(timeoutSeconds, session.clock, deadline.signal);
  try {
    const identifiers = request.names.map(orderedAs);
    const policy = judgePolicy({ ...request, directoryUrl: session.directoryUrl, meta, identifiers });
    const [ofDns, ofSolvers] = await Promise.all([
      lookAtDns(request, meta.caaIdentities ?? [], bound),
      askSolvers(request, bound),
    ]);
    // what the end of the run cut short is no finding
    deadline.check("looking at what the CA is going to look at");
    return withoutRepetitions([...judgeClock(session.clockOffsetSeconds), ...policy, ...ofDns, ...ofSolvers]);
  } finally {
    bound.dispose();
  }
}

async function askSolvers({ names, solvers }: PreflightRequest, bound: Deadline): Promise<readonly PreflightFinding[]> {
  const asked = await Promise.all(
    solvers.map((solver) => {
      const own = names.filter((name) => solversOf(name, solvers)[0] === solver);
      const look = solver.preflight?.bind(solver);
      if (own.length === 0 || look === undefined) return [];
      return findInTime(`the answers by ${solver.type}`, "whether they are in place", () => look(own, bound));
    }),
  );
  return asked.flat();
}

/** A name that is not there is seen by more than one who looks. */
function withoutRepetitions(findings: readonly PreflightFinding[]): readonly PreflightFinding[] {
  const keyOf = ({ subject, found }: PreflightFinding) => JSON.stringify([subject, found]);
  return findings.filter((one, index) => findings.findIndex((other) => keyOf(other) === keyOf(one)) === index);
}

/** From here on dates that are compared with the CA's are off by more than a person expects. */
const WARNING_SECONDS = 5 * 60;
/** Let's Encrypt makes certificates valid from an hour before: from here on ours may not be valid yet. */
const ERROR_SECONDS = 60 * 60;

/**
 * Judges how far the clocks of the CA and of this machine are apart; `offsetSeconds` is positive where the CA's is
 * ahead. Renewal dates, the CA's window and `persistUntil` are all compared with the clock of this machine.
 */
export function judgeClock(offsetSeconds: number | undefined): readonly PreflightFinding[] {
  const apart = Math.abs(offsetSeconds ?? 0);
  if (apart < WARNING_SECONDS) return [];
  const where = (offsetSeconds ?? 0) > 0 ? "behind" : "ahead of";
  return [
    {
      severity: apart < ERROR_SECONDS ? "warning" : "error",
      subject: "the CA",
      found: `the clock of this machine is ${renderDuration(apart * SECOND)} ${where} the CA's, and what renews when is decided by it`,
      hint: "Set the clock of the machine that runs Pulumi, best by NTP (timedatectl set-ntp true).",
    },
  ];
}
