// Which solvers the arguments come to, in which order, and the names as challenges have them.
import { describe, expect, it, test } from "vitest";
import type { SolverContext } from "../../../../provider/src/acme/challenge/solver";
import type { AcmeDirectory } from "../../../../provider/src/acme/client/directory";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import type { GivenChallenge } from "../../../../provider/src/lifecycle/acme/challenge-inputs";
import { chooseSolvers, listSolvers, namesOf } from "../../../../provider/src/lifecycle/acme/solvers";
import { rejection } from "../../../support/rejection";

const context: SolverContext = {
  key: { pem: "", thumbprint: `${"A".repeat(42)}E`, jwk: {} },
  accountUrl: "https://ca.test/account/1",
  clock: systemClock,
  directory: async () => ({ meta: {} }) as AcmeDirectory,
};

describe("the solvers of a challenge", () => {
  test.each<[GivenChallenge["challenge"], readonly string[]]>([
    [{ type: "http-01", webroot: "/srv" }, ["http-01"]],
    [{ type: "http-01", via: "gateway" }, ["http-01 standing"]],
    [{ type: "tls-alpn-01" }, ["tls-alpn-01"]],
    [{ type: "dns-01", command: "/bin/hook" }, ["dns-01"]],
    [{ type: "dns-persist-01" }, ["dns-persist-01 standing"]],
    [{ type: "dns-01", via: "order" }, ["dns-01 standing", "http-01 standing"]],
    [{ type: "http-01", via: "order" }, ["http-01 standing"]],
    [{ type: "auto" }, ["dns-persist-01 standing", "http-01 standing"]],
    [{ type: "auto", dns: { command: "/bin/hook" } }, ["dns-persist-01 standing", "http-01 standing", "dns-01"]],
  ])("%o are %j", (challenge, expected) => {
    const solvers = listSolvers({ challenge }, context);
    expect(solvers.map(({ type, isStanding }) => `${type}${isStanding ? " standing" : ""}`)).toEqual(expected);
  });

  it("of an order prove its names by records and its addresses by http", () => {
    const [records, resources] = listSolvers({ challenge: { type: "dns-01", via: "order" } }, context);
    expect(records?.refuse({ type: "dns", value: "a.test" }, true)).toBeUndefined();
    expect(records?.refuse({ type: "ip", value: "192.0.2.1" }, false)).toContain("an IP address");
    expect(resources?.refuse({ type: "ip", value: "192.0.2.1" }, false)).toBeUndefined();
  });

  it("are all taken where the arguments say them, and with auto those that stand", async () => {
    const deadline = new Deadline(10, systemClock);
    try {
      const hostnames = ["*.a.test"];
      const own = await chooseSolvers({ hostnames, challenge: { type: "dns-persist-01" } }, context, deadline);
      expect(own).toEqual({ solvers: [expect.objectContaining({ type: "dns-persist-01" })] });
      // what is not looked for is thought to stand
      const auto = { type: "auto", propagation: false } as const;
      const { solvers, text } = await chooseSolvers({ hostnames, challenge: auto }, context, deadline);
      expect(solvers.map(({ type }) => type)).toEqual(["dns-persist-01"]);
      expect(text).toContain("dns-persist-01, since");
      const addresses = { hostnames: ["192.0.2.1"], challenge: { ...auto, resolvers: ["not an address"] } };
      expect((await rejection(chooseSolvers(addresses, context, deadline))).message).toMatch(
        /^ACME_CHALLENGE: nothing stands by which 192\.0\.2\.1 can be proved: dns-persist-01: it can prove none of the names; http-01: challenge\.resolvers/,
      );
    } finally {
      deadline.dispose();
    }
  });
});

it("the names of challenges are those of an order, a wildcard without its first label", () => {
  expect(namesOf({ hostnames: ["*.a.test", "a.test", "2001:db8::1", "192.0.2.1"] })).toEqual([
    { identifier: { type: "dns", value: "a.test" }, isWildcard: true },
    { identifier: { type: "dns", value: "a.test" }, isWildcard: false },
    { identifier: { type: "ip", value: "2001:db8::1" }, isWildcard: false },
    { identifier: { type: "ip", value: "192.0.2.1" }, isWildcard: false },
  ]);
});
