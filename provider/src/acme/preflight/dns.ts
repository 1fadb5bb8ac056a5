import type { ChallengeName } from "../challenge/solver";
import type { ChallengeType } from "../client/identifier";
import type { DnsServer } from "../dns/query";
import { resolversOf } from "../dns/resolvers";
import { explainUnseen, findAddresses, judgeAddresses } from "../look/addresses";
import { CaaRecords, type CaaRequest, judgeCaa } from "../look/caa";
import { findInTime, type PreflightFinding } from "../look/finding";
import type { Deadline } from "../run/deadline";
import { inParallel } from "../run/in-parallel";
import { orderedAs, type PreflightRequest, solversOf } from "./request";

const allTypes: readonly ChallengeType[] = ["http-01", "dns-01", "tls-alpn-01", "dns-persist-01"];

/** These the CA connects to the name for. */
const connecting: readonly ChallengeType[] = ["http-01", "tls-alpn-01"];

/**
 * Looks at the addresses of the names that the CA connects to, and at the CAA records of all: by the resolvers given, or for
 * a public CA by those of the machine.
 * @throws TlsError ACME_CHALLENGE: a resolver is none; ACME_ABORTED by the deadline
 */
export async function lookAtDns(
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
    return [{ severity: "warning", subject, ...explainUnread(search) }];
  });
}

/** Node can't read a record whose value is empty, nor any beside it. */
function explainUnread({ name, code }: { readonly name: string; readonly code: string }) {
  if (code !== "EBADRESP") return explainUnseen(`the CAA records of ${name}`, code);
  return {
    found: `the CAA records of ${name} can't be read (EBADRESP), which is so where one has an empty value, and that allows nobody`,
    hint: `See them with: dig CAA ${name}. Where no CA is to be allowed, write ";" as the value.`,
  };
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
