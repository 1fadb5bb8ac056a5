import type { AcmeClock } from "../../clock";
import { awaitPropagation } from "../../dns/propagation";
import { expectedRecords, refuseIpAddress } from "../dns-01-record";
import type { ChallengeSolver, OrderRecordsSettings } from "../solver";

/**
 * Waits until the DNS shows the records of dns-01 (RFC 8555 section 8.4) that other resources put there, as
 * `dns/propagation.ts` does. With `propagation: false` they are taken to stand there.
 */
export function createOrderRecordsSolver(settings: OrderRecordsSettings, clock: AcmeClock): ChallengeSolver {
  const { propagation = {} } = settings;
  return {
    type: "dns-01",
    isStanding: true,
    refuse: refuseIpAddress,
    present: async (tasks, deadline) => {
      if (propagation === false) return;
      const madeBy = "the resource that makes the record";
      await awaitPropagation(expectedRecords(tasks), propagation, { clock, deadline, madeBy });
    },
    cleanUp: async () => {},
  };
}
