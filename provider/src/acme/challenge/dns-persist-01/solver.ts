import { TlsError } from "../../../errors";
import type { DirectoryMeta } from "../../client/directory";
import type { PropagationSettings } from "../../dns/look-up";
import type { PreflightFinding } from "../../look/finding";
import { persistAccountUris } from "../../persist/account-uri";
import {
  issuersBeforeOrder,
  issuersOfChallenge,
  type PersistIssuers,
  refuseForeignIssuer,
} from "../../persist/issuer-domain-names";
import { persistRecordName } from "../../persist/record-value";
import { refusalsOf } from "../refusal";
import type { ChallengeName, ChallengeSolver, ChallengeTask, PersistSettings, SolverContext } from "../solver";
import { lookForStanding, type SoughtRecord, type StandingContext } from "./standing-record";

/** A record that stands is there at the first look. One that is made in the same run may be seconds behind. */
const MOST_LOOKS = 3;

/** A record that some servers have and others have not is on its way: as long as dns-01 waits. */
const SPREADING_SECONDS = 180;

/** An order has minutes, and a look again costs little beside it; a preview has seconds, and looks once. */
const ENOUGH_SECONDS = 60;

/** Records that an error tells of; the others are counted. */
const MOST_REPORTS = 3;

/** Lower-case A-labels; the name becomes part of a question. */
const hostName = /^[a-z0-9][a-z0-9.-]{0,252}$/;

/**
 * Answers dns-persist-01 (draft-ietf-acme-dns-persist) by TXT records `_validation-persist.<name>` that somebody has put there
 * for good: `present` only looks whether they are as the CA needs them. It looks three times within 9 s; for up to 180 s when a
 * part of the servers has the record; or as long as `propagation.timeoutSeconds` says. `propagation: false` looks at nothing.
 * A record above the name with `policy=wildcard`, which a CA may take for all names below, is not looked for: Pebble and Let's
 * Encrypt do not take it.
 */
export function createPersistSolver(
  settings: PersistSettings,
  context: SolverContext,
  /** `portOf` is for tests: the port of a name server, default 53. */
  { portOf }: { readonly portOf?: (address: string) => number } = {},
): ChallengeSolver {
  const { propagation = {} } = settings;
  const { clock } = context;
  return {
    type: "dns-persist-01",
    isStanding: true,
    refuse: refusalsOf("dns-persist-01"),
    preflight: async (names, deadline): Promise<readonly PreflightFinding[]> => {
      if (propagation === false) return [];
      const { meta } = await context.directory(deadline);
      const issuers = issuersBeforeOrder(meta);
      if (issuers === undefined) return names.map(explainUnnamed);
      const records = recordsOf(names, () => issuers, { context, meta });
      const looks = deadline.remainingSeconds() >= ENOUGH_SECONDS ? MOST_LOOKS : 1;
      const patience = { looks, missingSeconds: undefined, spreadingSeconds: 0 };
      const reports = await lookForStanding(records, propagation, patience, { clock, deadline, portOf });
      return reports.map(({ subject, severity, found, hint }) => ({ severity, subject, found, hint }));
    },
    present: async (tasks, deadline) => {
      const { meta } = await context.directory(deadline);
      const issuersOf = ({ issuerDomainNames }: ChallengeTask) => issuersOfChallenge(issuerDomainNames, meta);
      const records = recordsOf(tasks, issuersOf, { context, meta });
      if (propagation !== false) await requireStanding(records, propagation, { clock, deadline, portOf });
    },
    cleanUp: () => Promise.resolve(),
  };
}

/** What the CA reads is known with its challenge then. */
function explainUnnamed({ identifier: { value } }: ChallengeName): PreflightFinding {
  return {
    severity: "warning",
    isUnseen: true,
    subject: value,
    found:
      "its standing record can't be looked for before there is an order, since the CA's directory names itself neither by issuerDomainNames nor by caaIdentities",
    hint: "Ask the CA whether it offers dns-persist-01, and by which name.",
  };
}

/** @throws TlsError ACME_CHALLENGE with what was seen of the records that are not as they must be */
async function requireStanding(
  records: readonly SoughtRecord[],
  propagation: PropagationSettings,
  context: StandingContext,
): Promise<void> {
  const { timeoutSeconds } = propagation;
  const spreading = timeoutSeconds ?? SPREADING_SECONDS;
  const patience = { looks: MOST_LOOKS, missingSeconds: timeoutSeconds, spreadingSeconds: spreading };
  const reports = await lookForStanding(records, propagation, patience, context);
  const errors = reports.filter(({ severity, isSpreading }) => severity === "error" || isSpreading);
  const [first] = errors;
  if (first === undefined) return;
  const said = errors.slice(0, MOST_REPORTS).map(({ subject, found }) => `${subject}: ${found}`);
  const more = errors.length > MOST_REPORTS ? `; and ${errors.length - MOST_REPORTS} more names` : "";
  throw new TlsError("ACME_CHALLENGE", `${said.join("; ")}${more}.`, { hint: first.hint });
}

/** One record for a name and its wildcard, which needs more of it. */
function recordsOf<Name extends ChallengeName>(
  names: readonly Name[],
  issuersOf: (name: Name) => PersistIssuers,
  { context, meta }: { readonly context: SolverContext; readonly meta: DirectoryMeta },
): readonly SoughtRecord[] {
  const { key, accountUrl, clock } = context;
  const prefix = meta.accountHashPrefix === undefined ? {} : { accountHashPrefix: meta.accountHashPrefix };
  const account = { accountUrl, thumbprints: [key.thumbprint], ...prefix };
  const records = new Map<string, SoughtRecord>();
  for (const name of names) {
    const { identifier, isWildcard } = name;
    const { value: domain } = identifier;
    if (identifier.type !== "dns" || !hostName.test(domain)) throw noDnsName();
    const { names: issuerDomainNames, isGuess } = issuersOf(name);
    for (const issuer of issuerDomainNames) refuseForeignIssuer(issuer, accountUrl);
    if (records.get(domain)?.expected.isWildcard === true) continue;
    const accountUris = persistAccountUris({ ...account, domain });
    records.set(domain, {
      recordName: persistRecordName(domain),
      subject: isWildcard ? `*.${domain}` : domain,
      expected: { issuerDomainNames, accountUris, ...prefix, isWildcard, now: clock.now() },
      isGuess,
    });
  }
  return [...records.values()];
}

function noDnsName(): TlsError {
  return new TlsError("ACME_CHALLENGE", "the CA asks for a TXT record of what is no DNS name.", {
    hint: "Prove it by http-01 or tls-alpn-01.",
  });
}
