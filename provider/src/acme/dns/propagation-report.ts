import { renderQuoted } from "../../text/quoted";
import type { DnsAnswer, DnsServer } from "./query";

/** What one server said of the TXT records of a name. */
export interface Finding {
  readonly server: DnsServer;
  readonly name: string;
  readonly answer: DnsAnswer<string>;
}

/** Whether an answer has all values. */
export function hasAll(answer: DnsAnswer<string>, values: readonly string[]): boolean {
  return answer.kind === "records" && values.every((value) => answer.records.includes(value));
}

/** A message names so many servers: a domain of its own has 2 to 8, a top-level one 26. */
export const MOST_SERVERS = 12;

/** Enough to know a value again. */
const SHOWN_VALUE = 8;
const MOST_VALUES = 3;

/** When nobody could be asked. */
export const noServer = {
  found: "no name server of its zone was found",
  hint: "Look whether the domain exists and the DNS of the machine that runs Pulumi works; propagation.resolvers names another DNS server.",
};

/** For findings, some of which are not good: what the servers have in common, if that says what to do. */
export function hintOfServers(
  findings: readonly Finding[],
  isGood: (answer: DnsAnswer<string>) => boolean,
): string | undefined {
  if (findings.every(({ answer }) => answer.kind === "failure")) {
    return "If a firewall keeps the machine that runs Pulumi from the servers of the zone, set propagation.authoritative to false.";
  }
  const missing = findings.filter(({ answer }) => !isGood(answer));
  if (missing.length < findings.length && missing.every(({ server }) => server.role === "resolver")) {
    return "A resolver keeps an old answer for its time to live: run it again later, or give other resolvers in propagation.resolvers.";
  }
  return undefined;
}

/** Says of each server what it has, and what to do about it. `madeBy` is what puts the records there. */
export function describeMissing(
  findings: readonly Finding[],
  values: readonly string[],
  madeBy = "the command",
): { readonly found: string; readonly hint: string } {
  if (findings.length === 0) return noServer;
  const said = findings
    .slice(0, MOST_SERVERS)
    .map(
      ({ server, answer }) => `${server.label} ${describeAnswer(answer, (records) => describeValues(records, values))}`,
    );
  const more = findings.length > MOST_SERVERS ? [`${findings.length - MOST_SERVERS} more servers were asked`] : [];
  return { found: [...said, ...more].join("; "), hint: hintFor(findings, values, madeBy) };
}

function hintFor(findings: readonly Finding[], values: readonly string[], madeBy: string): string {
  return (
    hintOfServers(findings, (answer) => hasAll(answer, values)) ??
    `Look whether ${madeBy} wrote into the zone that these servers serve; if the DNS service is slow, raise propagation.timeoutSeconds; where the inside sees another DNS than the CA, set propagation.resolvers or propagation: false.`
  );
}

/** What a server has, a clause after its label; `describeRecords` says it of records. */
export function describeAnswer(
  answer: DnsAnswer<string>,
  describeRecords: (records: readonly string[]) => string,
): string {
  switch (answer.kind) {
    case "no-record":
    case "no-name":
      return "has no TXT record";
    case "failure":
      return answer.code === "ETIMEOUT" ? "did not answer" : `did not answer as it should (${answer.code})`;
    case "records":
      return describeRecords(answer.records);
  }
}

function describeValues(records: readonly string[], values: readonly string[]): string {
  const have = values.filter((value) => records.includes(value)).length;
  if (have === values.length) return "has it";
  const others = records.filter((record) => !values.includes(record));
  const shown = others.slice(0, MOST_VALUES).map((record) => renderQuoted(cut(record)));
  const more = others.length > MOST_VALUES ? ", …" : "";
  const beside =
    others.length === 0
      ? ""
      : `${others.length} ${others.length === 1 ? "other" : "others"} (${shown.join(", ")}${more})`;
  const own = have === 0 ? "" : `${have} of ${values.length} values`;
  return `has ${[own, beside].filter((part) => part !== "").join(" and ")}`;
}

function cut(value: string): string {
  return value.length > SHOWN_VALUE ? `${value.slice(0, SHOWN_VALUE)}…` : value;
}
