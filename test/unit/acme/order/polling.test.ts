import { describe, expect, it } from "vitest";
import { PollPauses } from "../../../../provider/src/acme/order/polling";
import { type AcmeClock, Deadline } from "../../../../provider/src/acme/run/deadline";
import { TlsError } from "../../../../provider/src/errors";

/** Time passes by waits, and by what a test lets pass. */
function pollFor(seconds: number) {
  let now = Date.parse("2026-11-24T12:00:00Z");
  const pass = (ms: number) => {
    now += ms;
  };
  const clock: AcmeClock = { now: () => new Date(now), sleep: async (ms) => pass(ms) };
  const deadline = new Deadline(seconds, clock);
  return { deadline, pass, pauses: new PollPauses(clock, deadline) };
}

describe("PollPauses.look", () => {
  it("says what is still pending when the time ends during the request", async () => {
    const { deadline, pass, pauses } = pollFor(5);
    const cut = pauses.look(undefined, "the order is still being processed", async () => {
      pass(6000);
      deadline.check("asking for the order");
    });
    await expect(cut).rejects.toThrow("the order is still being processed: not done within 5 s");
    deadline.dispose();
  });

  it("keeps the CA's answer when it arrives as the time ends", async () => {
    const { deadline, pass, pauses } = pollFor(5);
    const refused = pauses.look(undefined, "the order is still being processed", async () => {
      pass(6000);
      expect(deadline.remainingSeconds()).toBe(0);
      throw new TlsError("ACME_REJECTED", "the CA refuses.");
    });
    await expect(refused).rejects.toThrow("ACME_REJECTED: the CA refuses.");
    deadline.dispose();
  });
});
