import type { OrderIdentifier } from "../certificate-request";
import type { ChallengeName, ChallengeSolver, ChallengeType } from "../challenge/solver";
import { Deadline } from "../deadline";
import type { DnsServer } from "../dns/query";
import { resolversOf } from "../dns/resolvers";
import { inParallel } from "../in-parallel";
import type { AcmeSession } from "../session";
import { explainUnseen, findAddresses, judgeAddresses } from "./addresses";
import { type CaaRequest, judgeCaa } from "./caa";
import { CaaRecords } from "./caa-records";
import { judgeClock } from "./clock";
import type { PreflightFinding } from "./finding";
import { findInTime } from "./in-time";
import { judgePolicy } from "./policy";

export { renderFindings, requirePreflight } from "./finding-report";

/** What is going to be ordered. */
export interface PreflightRequest {
  readonly session: AcmeSession;
  readonly accountUrl: string;
  readonly profile?: string;
  readonly names: readonly ChallengeName[];
  /**
   * In the order in which they are tried: the first that fits a name proves it. None for an order whose names others
   * prove: any way may be theirs.
   */
  readonly solvers: readonly ChallengeSolver[];
  /** `address` or `address:port`, as of propagation; default: those of the machine, for a public CA only. */
  readonly resolvers?: readonly string[];
  /** Whether the CA looks at things from the Internet: `nameOfDirectory` knows it. */
  readonly isPublic: boolean;
  /** Seconds for all of it. Default 20. */
  readonly timeoutSeconds?: number;
}

const defaultTimeoutSeconds = 20;

const allTypes: readonly ChallengeType[] = ["http-01", "dns-01", "tls-alpn-01", "dns-persist-01"];

/** These the CA connects to the name for. */
const connecting: readonly ChallengeType[] = ["http-01", "tls-alpn-01"];

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
  const { session, timeoutSeconds = defaultTimeoutSeconds } = request;
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

async function lookAtDns(
  request: PreflightRequest,
  caaIdentities: readonly string[],
  bound: Deadline,
): Promise<readonly PreflightFinding[]> {
  const { names, isPublic, resolvers: endpoints } = request;
  if (!isPublic && endpoints === undefined) return [];
  const resolvers = resolversOf(endpoints, "preflight.resolvers");
  const records = new CaaRecords(resolvers);
  const found = await inParallel(names, async (name) => {
    const looks = [lookAtAddresses(name, request, { resolvers, bound })];
    if (name.identifier.type === "dns") looks.push(lookAtCaa(name, request, { caaIdentities, records, bound }));
    return (await Promise.all(looks)).flat();
  });
  return found.flat();
}

function lookAtAddresses(
  name: ChallengeName,
  { solvers, isPublic }: PreflightRequest,
  { resolvers, bound }: { readonly resolvers: readonly DnsServer[]; readonly bound: Deadline },
): Promise<readonly PreflightFinding[]> {
  const { value: subject, type } = name.identifier;
  const first = solversOf(name, solvers)[0];
  // what is wrong with an ordered address is a matter of policy
  if (type === "ip" || first === undefined || !connecting.includes(first.type)) return Promise.resolve([]);
  return findInTime(subject, "its addresses", async () =>
    judgeAddresses(subject, await findAddresses(subject, resolvers, bound), isPublic),
  );
}

interface CaaLook {
  readonly caaIdentities: readonly string[];
  readonly records: CaaRecords;
  readonly bound: Deadline;
}

function lookAtCaa(
  name: ChallengeName,
  { solvers, accountUrl }: PreflightRequest,
  { caaIdentities, records, bound }: CaaLook,
): Promise<readonly PreflightFinding[]> {
  const { isWildcard, identifier } = name;
  const subject = orderedAs(name).value;
  const own = solvers.length === 0 ? allTypes : solversOf(name, solvers).map(({ type }) => type);
  const challengeTypes = [...new Set(own)];
  if (challengeTypes.length === 0) return Promise.resolve([]);
  return findInTime(subject, "its CAA records", async () => {
    const search = await records.find(identifier.value, bound);
    if (search.kind === "none") return [];
    if (search.kind === "found") {
      const caa: CaaRequest = { caaIdentities, accountUrl, challengeTypes, isWildcard };
      const verdict = judgeCaa(search.set, caa);
      if (!verdict.isAllowed) return [{ severity: "error", subject, found: verdict.found, hint: verdict.hint }];
      return solvers.length === 0 ? [] : judgeMethods(subject, search.set.name, challengeTypes, verdict.challengeTypes);
    }
    return [{ severity: "warning", subject, ...explainUnseen(`the CAA records of ${search.name}`, search.code) }];
  });
}

/** Of several configured challenges the first one is answered, whatever the records allow. */
function judgeMethods(
  subject: string,
  at: string,
  [first]: readonly ChallengeType[],
  allowed: readonly ChallengeType[],
): readonly PreflightFinding[] {
  if (first === undefined || allowed.includes(first)) return [];
  return [
    {
      severity: "warning",
      subject,
      found: `it is going to be proved by ${first}, but the CAA records of ${at} allow ${allowed.join(", ")} only`,
      hint: `Configure ${allowed[0]} before ${first}, or add ${first} to validationmethods there.`,
    },
  ];
}

/** A name that is not there is seen by more than one who looks. */
function withoutRepetitions(findings: readonly PreflightFinding[]): readonly PreflightFinding[] {
  const keyOf = ({ subject, found }: PreflightFinding) => JSON.stringify([subject, found]);
  return findings.filter((one, index) => findings.findIndex((other) => keyOf(other) === keyOf(one)) === index);
}

/** Those that can prove the name, the first one of which does, where the CA offers its challenge. */
function solversOf(
  { identifier, isWildcard }: ChallengeName,
  solvers: readonly ChallengeSolver[],
): readonly ChallengeSolver[] {
  return solvers.filter((solver) => solver.refuse(identifier, isWildcard) === undefined);
}

function orderedAs({ identifier, isWildcard }: ChallengeName): OrderIdentifier {
  return isWildcard ? { ...identifier, value: `*.${identifier.value}` } : identifier;
}
