// What is taken of several challenges by what stands, and what is said of the others.
import { describe, expect, it } from "vitest";
import { chooseStanding } from "../../../../provider/src/acme/challenge/auto";
import type { ChallengeName, ChallengeSolver } from "../../../../provider/src/acme/challenge/solver";
import type { PreflightFinding } from "../../../../provider/src/acme/look/finding";
import { Deadline } from "../../../../provider/src/acme/run/deadline";
import { TlsError } from "../../../../provider/src/errors";
import { testClock } from "../../../support/acme/clock";
import { rejection } from "../../../support/rejection";

type Seen = readonly Pick<PreflightFinding, "severity" | "subject" | "found">[] | TlsError;

const name = (value: string, isWildcard = false): ChallengeName => ({ identifier: { type: "dns", value }, isWildcard });
const [apex, star] = [name("a.test"), name("a.test", true)];
const fault = (found: string, subject = "a.test") => ({ severity: "error" as const, subject, found });

/** A solver that sees this, and remembers for which names it was asked. */
function solver(type: ChallengeSolver["type"], seen?: Seen): ChallengeSolver & { readonly asked: ChallengeName[] } {
  const asked: ChallengeName[] = [];
  return {
    type,
    asked,
    refuse: (_, isWildcard) => (type === "http-01" && isWildcard ? "a wildcard can't" : undefined),
    ...(seen !== undefined && {
      preflight: async (names: readonly ChallengeName[]) => {
        asked.push(...names);
        if (seen instanceof TlsError) throw seen;
        return seen.map((one) => ({ ...one, hint: `Fix ${type}.` }));
      },
    }),
    present: async () => {},
    cleanUp: async () => {},
  };
}

const choose = async (candidates: readonly ChallengeSolver[], names: readonly ChallengeName[]) => {
  const deadline = new Deadline(10, testClock());
  try {
    return await chooseStanding(candidates, names, deadline);
  } finally {
    deadline.dispose();
  }
};

describe("what stands", () => {
  it("is the first of those that do, and nothing is said of what would come after", async () => {
    const [persist, http, dns] = [solver("dns-persist-01", []), solver("http-01", [fault("404")]), solver("dns-01")];
    const { solvers, text } = await choose([persist, http, dns], [apex, star]);
    expect([solvers, text]).toEqual([[persist, dns], "dns-persist-01, since its records stand"]);
    expect(http.asked).toEqual([apex]);
  });

  it("is the next one where something is amiss, which is said; a warning is nothing amiss", async () => {
    const seen = [fault("there is no record"), fault("there is no record", "b.test")];
    const [persist, http] = [
      solver("dns-persist-01", seen),
      solver("http-01", [{ ...fault("slow"), severity: "warning" }]),
    ];
    const { solvers, text } = await choose([persist, http], [apex, name("b.test")]);
    expect(solvers).toEqual([http]);
    expect(text).toBe("http-01, since the gateway answers (dns-persist-01: a.test: there is no record, and 1 more)");
  });

  it("is another one for the wildcard that the first can't prove", async () => {
    const [persist, http, dns] = [
      solver("dns-persist-01", [fault("there is no record")]),
      solver("http-01", []),
      solver("dns-01"),
    ];
    const { solvers, text } = await choose([persist, http, dns], [apex, star]);
    expect(solvers).toEqual([http, dns]);
    expect(text).toBe(
      "http-01, since the gateway answers and dns-01, since there is a program for its records (dns-persist-01: a.test: there is no record)",
    );
  });

  it("is none: each candidate and what was seen of it are told, with what to do about each", async () => {
    const [persist, http] = [
      solver("dns-persist-01", [fault("there is no record")]),
      solver("http-01", [fault("404")]),
    ];
    const error = await rejection(choose([persist, http], [apex]));
    expect(error.message).toBe(
      "ACME_CHALLENGE: nothing stands by which a.test can be proved: dns-persist-01: a.test: there is no record; http-01: a.test: 404. Hint: Fix dns-persist-01. Fix http-01.",
    );
    const alone = await rejection(choose([persist, solver("http-01", [])], [star]));
    expect(alone.reason).toMatch(/; http-01: it can prove none of the names\.$/);
    const none = await rejection(choose([solver("http-01", [])], [star]));
    expect(none.hint).toBe("Give dns a program that sets the records of dns-01.");
  });

  it("is looked for in spite of one that can't be looked at; a deadline ends it", async () => {
    const broken = new TlsError("ACME_CHALLENGE", "the aliases of _validation-persist.a.test end nowhere.", {
      hint: "Fix it.",
    });
    const http = solver("http-01", []);
    const { solvers, text } = await choose([solver("dns-persist-01", broken), http], [apex]);
    expect(solvers).toEqual([http]);
    expect(text).toBe(
      "http-01, since the gateway answers (dns-persist-01: the aliases of _validation-persist.a.test end nowhere)",
    );
    const late = new TlsError("ACME_TIMEOUT", "the time is over.");
    expect(await rejection(choose([solver("dns-persist-01", late), http], [apex]))).toBe(late);
  });
});
