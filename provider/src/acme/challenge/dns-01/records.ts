import { TlsError } from "../../../errors";
import { dns01Value } from "../../client/jws";
import { awaitPropagation, type ExpectedRecord } from "../../dns/propagation";
import type { AcmeClock } from "../../run/deadline";
import { refusalsOf } from "../refusal";
import { type ChallengeSolver, type ChallengeTask, checkToken, type OrderRecordsSettings } from "../solver";

/**
 * Waits until the DNS shows the records of dns-01 (RFC 8555 section 8.4) that other resources put there, as
 * `dns/propagation.ts` does. With `propagation: false` they are taken to stand there.
 */
export function createOrderRecordsSolver(settings: OrderRecordsSettings, clock: AcmeClock): ChallengeSolver {
  const { propagation = {} } = settings;
  return {
    type: "dns-01",
    isStanding: true,
    refuse: refusalsOf("dns-01"),
    present: async (tasks, deadline) => {
      if (propagation === false) return;
      const madeBy = "the resource that makes the record";
      await awaitPropagation(expectedRecords(tasks), propagation, { clock, deadline, madeBy });
    },
    cleanUp: async () => {},
  };
}

/**
 * What the CA will look for: each name once, with all its values.
 * @throws TlsError ACME_CHALLENGE, as {@link recordNameOf}
 */
export function expectedRecords(tasks: readonly ChallengeTask[]): readonly ExpectedRecord[] {
  const values = new Map<string, Set<string>>();
  for (const task of tasks) {
    const name = recordNameOf(task);
    values.set(name, (values.get(name) ?? new Set()).add(dns01Value(task.keyAuthorization)));
  }
  return [...values].map(([name, all]) => ({ name, values: [...all] }));
}

/** Characters of host names, and no option of a program; the name becomes an argument. */
const hostName = /^[a-z0-9_][a-z0-9_.-]{0,252}$/i;

/**
 * The name of the TXT record that the CA looks for, without trailing dot (RFC 8555 section 8.4).
 * @throws TlsError ACME_CHALLENGE: the name or the token is none
 */
export function recordNameOf({ identifier, token }: ChallengeTask): string {
  checkToken(token);
  const name = identifier.value.replace(/^\*\./, "");
  if (identifier.type === "dns" && hostName.test(name)) return `_acme-challenge.${name}`;
  throw new TlsError("ACME_CHALLENGE", "the CA asks for a TXT record of what is no DNS name.", {
    hint: "Prove it by http-01 or tls-alpn-01.",
  });
}
