import { renderQuoted } from "../../text/quoted";
import { DAY, SECOND } from "../../text/time";
import { describeAnswer, type Finding, hintOfServers, MOST_SERVERS, noServer } from "../dns/propagation-report";
import type { DnsAnswer } from "../dns/query";
import { judgePersistRecords, type PersistExpectation, type PersistJudgement, renderUnixSeconds } from "./judge";
import { parsePersistValue, renderPersistValue } from "./record-value";

/** A record, and what the CA is going to look for in it. */
export interface ExpectedPersistRecord extends PersistExpectation {
  /** The record's name, with where its CNAMEs end. */
  readonly shownName: string;
  /** `issuerDomainNames` are not what the CA said for this challenge. */
  readonly isGuess: boolean;
}

/** What keeps an order from its end, or may; see `PreflightFinding`. */
export interface PersistReport {
  readonly severity: "error" | "warning";
  readonly found: string;
  readonly hint: string;
}

/** A month: for somebody to see the warning, and to change a zone that is changed by request. */
const WARNING_DAYS = 30;

/** Values of one server that a message shows. */
const MOST_VALUES = 3;

/**
 * What the servers' answers mean for an order; undefined: nothing is to be said. Servers that are silent beside others that
 * answer are no fault: the CA asks the others. While a part of them has the record it is spreading, and only a warning.
 */
export function reportPersistRecord(
  findings: readonly Finding[],
  expected: ExpectedPersistRecord,
): PersistReport | undefined {
  const answered = findings.filter(({ answer }) => answer.kind !== "failure");
  const verdicts = answered.map((finding) => ({ finding, judgement: judgeAnswer(finding.answer, expected) }));
  const bad = verdicts.filter(({ judgement }) => judgement.kind !== "good");
  if (answered.length > 0 && bad.length === 0) {
    const judgements = verdicts.map(({ judgement }) => judgement);
    return reportEnd(judgements, expected);
  }
  const isSpreading = bad.length > 0 && bad.length < verdicts.length;
  const mayBeGood = ({ finding, judgement }: (typeof bad)[number]) => isUnsure(finding.answer, judgement, expected);
  const isMild = isSpreading || (bad.length > 0 && bad.every(mayBeGood));
  const said = findings.length === 0 ? noServer.found : describeFindings(findings, expected);
  const hint =
    findings.length === 0
      ? noServer.hint
      : (hintOfServers(findings, (answer) => judgeAnswer(answer, expected).kind === "good") ??
        "Publish the value that is expected: it is what account.validationRecords gives. Where the inside sees another DNS than the CA, set propagation.resolvers or propagation: false.");
  const is = answered.length === 0 ? "is not to be seen" : "is not what the CA needs";
  return {
    severity: isMild ? "warning" : "error",
    found: `the TXT record ${expected.shownName} ${is}: ${said}; expected is ${renderExpected(expected)}`,
    hint,
  };
}

/** The judgement on what a server said; nothing there is bad, without a fault of its own. */
export function judgeAnswer(answer: DnsAnswer<string>, expected: PersistExpectation): PersistJudgement {
  return judgePersistRecords(answer.kind === "records" ? answer.records : [], expected);
}

/** Unquoted, as the forms of DNS services take it. */
function renderExpected({ issuerDomainNames, accountUris, isWildcard, isGuess }: ExpectedPersistRecord): string {
  const [[issuerDomainName = ""], [accountUri = ""]] = [issuerDomainNames, accountUris];
  const value = renderPersistValue({ issuerDomainName, accountUri, isWildcard });
  return isGuess ? `${value} (by the CA's caaIdentities: it tells its names for this challenge with an order)` : value;
}

/** A hash of perhaps an earlier key; or, as the CA's names are a guess, a value that is right but for its first word. */
function isUnsure(answer: DnsAnswer<string>, judgement: PersistJudgement, expected: ExpectedPersistRecord): boolean {
  if (judgement.kind === "unsure") return true;
  if (!expected.isGuess || answer.kind !== "records") return false;
  const issuers = answer.records.flatMap((record) => parsePersistValue(record).issuerDomainName ?? []);
  return judgeAnswer(answer, { ...expected, issuerDomainNames: issuers }).kind !== "bad";
}

function reportEnd(
  judgements: readonly PersistJudgement[],
  { shownName, now }: ExpectedPersistRecord,
): PersistReport | undefined {
  const ends = judgements.flatMap((judgement) =>
    judgement.kind === "good" && judgement.latest !== undefined ? [judgement.latest] : [],
  );
  const end = Math.min(...ends);
  if (end - now.getTime() / 1000 > WARNING_DAYS * (DAY / SECOND)) return undefined;
  return {
    severity: "warning",
    found: `the TXT record ${shownName} is good until ${renderUnixSeconds(end)}, its persistUntil, and for no order after that`,
    hint: "Publish it with a later persistUntil, or without one.",
  };
}

/** Servers that say the same are named together. */
function describeFindings(findings: readonly Finding[], expected: PersistExpectation): string {
  const groups = new Map<string, string[]>();
  for (const { server, answer } of findings.slice(0, MOST_SERVERS)) {
    const said = describeAnswer(answer, () => describeValues(judgeAnswer(answer, expected)));
    groups.set(said, [...(groups.get(said) ?? []), server.label]);
  }
  const said = [...groups].map(([text, labels]) =>
    labels.length === 1 ? `${labels[0]} ${text}` : `${labels.join(", ")} ${text.replace(/^has /, "have ")}`,
  );
  const more = findings.length > MOST_SERVERS ? [`${findings.length - MOST_SERVERS} more servers were asked`] : [];
  return [...said, ...more].join("; ");
}

function describeValues(judgement: PersistJudgement): string {
  if (judgement.kind === "good") return "has it";
  // what is not even meant for this CA says least
  const faults = [...judgement.faults].sort((one, other) => Number(one.isForeign) - Number(other.isForeign));
  const shown = faults.slice(0, MOST_VALUES).map(({ value, fault }) => `${renderQuoted(value)}, which ${fault}`);
  const more = faults.length > MOST_VALUES ? `, and ${faults.length - MOST_VALUES} more` : "";
  return `has ${shown.join(", and ")}${more}`;
}
