// Guards: a look before an order that says otherwise than the CA does afterwards. The same servers and the same records are
// judged by us and by a real Pebble.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChallengeName, ChallengeSettings, ChallengeSolver } from "../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../provider/src/acme/challenge/solvers";
import { dns01Value } from "../../../provider/src/acme/client/jws";
import { type PreflightRequest, runPreflight } from "../../../provider/src/acme/preflight/preflight";
import { type AcmeClock, Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { isTlsError } from "../../../provider/src/errors";
import {
  answering,
  challengePath,
  type HttpResponder,
  type Responder,
  redirecting,
  responding,
  startHttpResponder,
} from "../../support/acme/http-responder";
import { usePebble } from "../../support/acme/pebble-orders";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

const nameOf = (text: string): ChallengeName => ({
  identifier: { type: "dns", value: text.replace(/^\*\./, "") },
  isWildcard: text.startsWith("*."),
});

/** A solver that takes its challenge to be answered. */
const blind = (type: ChallengeSolver["type"]): ChallengeSolver => ({
  ...{ type, refuse: () => undefined, isStanding: true, present: async () => {}, cleanUp: async () => {} },
});

describeWithPeer("pebble", () => {
  const used = usePebble({});
  let deadline: Deadline;
  let both: HttpResponder;
  beforeAll(async () => {
    deadline = new Deadline(600, systemClock);
    both = await startHttpResponder({ four: responding(404), six: responding(404), port: used.pebble.httpPort });
  });
  afterAll(async () => {
    deadline.dispose();
    await both.stop();
  });

  const solverOf = (settings: ChallengeSettings, clock: AcmeClock = systemClock) =>
    createSolver(settings, { ...used.orders.solverContext, clock });
  const http = (via: "gateway" | "order") =>
    ({ type: "http-01", via, port: used.pebble.httpPort, resolvers: [used.pebble.dnsAddress] }) as const;
  const thumbprint = () => used.orders.session.key.thumbprint;
  const isIssued = async (name: string, solver: ChallengeSolver): Promise<boolean> => {
    try {
      await used.orders.issue({ names: [name], solvers: [solver] });
      return true;
    } catch (error) {
      if (isTlsError(error) && error.code === "ACME_UNAUTHORIZED") return false;
      throw error;
    }
  };
  /** Whether the look before the order finds nothing that would keep it from its end. */
  const isClear = async (name: string): Promise<boolean> => {
    const findings = (await solverOf(http("gateway")).preflight?.([nameOf(name)], deadline)) ?? [];
    return findings.every(({ severity }) => severity === "warning");
  };

  describe("a gateway that answers by itself", () => {
    it("is what a certificate comes by, without anything put in place or taken away", async () => {
      both.four = answering(thumbprint());
      const issued = await used.orders.issue({
        names: ["a.gateway.test", "b.gateway.test"],
        solvers: [solverOf(http("gateway"))],
      });
      expect(issued.certPem).toContain("BEGIN CERTIFICATE");
    });

    it("that is wrong keeps the CA from being told, so that no failure counts", async () => {
      both.four = responding(404);
      const before = used.pebble.requestCount("/chalZ/");
      const issuing = used.orders.issue({ names: ["wrong.gateway.test"], solvers: [solverOf(http("gateway"))] });
      expect((await rejection(issuing)).code).toBe("ACME_CHALLENGE");
      expect(used.pebble.requestCount("/chalZ/")).toBe(before);
    });

    const here = (path: string) => `http://HOST:${used.pebble.httpPort}${path}`;
    const secure = (path: string) => `https://HOST:${used.pebble.httpPort}${path}`;
    /** `HOST` becomes the host that was asked. */
    const moved = (status: number, to: (path: string) => string, then: Responder): Responder => {
      return (request, response) => {
        const host = (request.headers.host ?? "").replace(/:\d+$/, "");
        return redirecting(status, (path) => to(path).replace("HOST", host), then)(request, response);
      };
    };
    const right = (): Responder => answering(thumbprint());
    const around = (before: string, after = ""): Responder => {
      return (request, response) => {
        const token = (request.url ?? "").slice(challengePath.length);
        response.end(`${before}${token}.${thumbprint()}${after}`);
      };
    };

    /** What answers, and whether a certificate comes of it: at both, or at Pebble other than by our look. */
    const answers: readonly (readonly [what: string, four: () => Responder, isGood: boolean, pebble?: boolean])[] = [
      ["the right answer", right, true],
      ["the right answer and a line end", () => around("", "\r\n"), true],
      ["the right answer as a page", () => answering(thumbprint(), "", "text/html"), true],
      ["a space before it", () => around(" "), false],
      ["a byte order mark before it", () => around("\ufeff"), false],
      ["something behind it", () => around("", "."), false],
      ["another account's answer", () => answering("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), false],
      ["nothing", () => responding(404), false],
      ["nothing, and the status 204", () => responding(204), false],
      ["a page", () => responding(200, "<!doctype html>", { "content-type": "text/html" }), false],
      ["a page of 200 kB", () => responding(200, "x".repeat(200_000)), false],
      ["a redirection with 301", () => moved(301, here, right()), true],
      ["a redirection with 308 to https", () => moved(308, secure, right()), true],
      ["a redirection to a page", () => moved(302, here, responding(404)), false],
      ["redirections in a circle", () => moved(302, (path) => path.replace("/moved", ""), right()), false],
      ["a connection that it cuts", () => (request) => request.socket.destroy(), false],
      // the Baseline Requirements forbid what Pebble follows
      ["a redirection with 303", () => moved(303, here, right()), false, true],
    ];
    it.each(answers.map(([what, four, isGood, pebble = isGood], index) => ({ what, four, isGood, pebble, index })))(
      "with $what: the look says $isGood, Pebble $pebble",
      async ({ four, isGood, pebble, index }) => {
        both.four = four();
        const name = `answer${index}.test`;
        expect(await isClear(name)).toBe(isGood);
        expect(await isIssued(name, blind("http-01"))).toBe(pebble);
      },
    );

    const families: readonly (readonly [four: boolean, six: boolean, isGood: boolean])[] = [
      [true, true, true],
      [true, false, false],
      [false, true, true],
      [false, false, false],
    ];
    it.each(families)("right over IPv4 %j, over IPv6 %j: the look and Pebble say %j", async (four, six, isGood) => {
      both.four = four ? right() : responding(404);
      both.six = six ? right() : responding(404);
      const name = `${four}-${six}.family.test`;
      await used.pebble.addA(name, "127.0.0.1");
      await used.pebble.dns.addAaaa(name, "::1");
      expect(await isClear(name)).toBe(isGood);
      expect(await isIssued(name, blind("http-01"))).toBe(isGood);
    });
  });

  describe("answers of an order that other resources put in place", () => {
    it("over http are waited for, and a certificate comes of them", async () => {
      both.four = responding(404);
      const clock = whenSlept((count) => {
        if (count === 2) both.four = answering(thumbprint());
      });
      const issued = await used.orders.issue({ names: ["late.order.test"], solvers: [solverOf(http("order"), clock)] });
      expect(issued.certPem).toContain("BEGIN CERTIFICATE");
      const ours = both.requests.filter(({ headers }) => {
        const { host = "", "user-agent": agent = "" } = headers;
        return host.startsWith("late.order.test") && agent.startsWith("pulumi-tls-gateway");
      });
      expect(ours).toHaveLength(3);
    });

    const records = (timeoutSeconds: number, clock: AcmeClock) =>
      solverOf(
        {
          type: "dns-01",
          via: "order",
          propagation: { resolvers: [used.pebble.dnsAddress], authoritative: false, timeoutSeconds },
        },
        clock,
      );

    it("in the DNS are waited for while they come, and a certificate comes of them", async () => {
      const names = ["late.record.test", "*.late.record.test"];
      const values: string[] = [];
      const clock = whenSlept((count) => {
        const value = values[count - 1];
        return value === undefined ? undefined : used.pebble.setTxt("_acme-challenge.late.record.test", value);
      });
      const solver = records(30, clock);
      const seen: ChallengeSolver = {
        ...solver,
        present: (tasks, until) => {
          values.push(...tasks.map(({ keyAuthorization }) => dns01Value(keyAuthorization)));
          return solver.present(tasks, until);
        },
      };
      const issued = await used.orders.issue({ names, solvers: [seen] });
      expect(values).toHaveLength(2);
      expect(issued.certPem).toContain("BEGIN CERTIFICATE");
    });

    it.each([
      ["missing", undefined, /has no TXT record/],
      ["another one", "b3RoZXI", /has 1 other \("b3RoZXI"\)/],
    ])("in the DNS that are %s end the run with what stands there", async (what, value, found) => {
      const name = `${what.replace(" ", "-")}.record.test`;
      if (value !== undefined) await used.pebble.setTxt(`_acme-challenge.${name}`, value);
      const before = used.pebble.requestCount("/chalZ/");
      const error = await rejection(
        used.orders.issue({
          names: [name],
          solvers: [
            records(
              30,
              whenSlept(() => {}),
            ),
          ],
        }),
      );
      expect(error.code).toBe("ACME_CHALLENGE");
      expect(error.reason).toMatch(found);
      expect(error.hint).toContain("the resource that makes the record");
      expect(used.pebble.requestCount("/chalZ/")).toBe(before);
    });
  });

  describe("the look before an order", () => {
    const look = (names: readonly string[], request: Partial<PreflightRequest> = {}) =>
      runPreflight(
        {
          ...{ session: used.orders.session, accountUrl: used.orders.accountUrl, isPublic: false },
          ...{ names: names.map(nameOf), resolvers: [used.pebble.dnsAddress], solvers: [blind("dns-01")], ...request },
        },
        deadline,
      );

    it("finds nothing wrong with what Pebble issues for", async () => {
      both.four = answering(thumbprint());
      const solvers = [solverOf(http("gateway"))];
      expect(await look(["clear.test", "www.clear.test"], { solvers, profile: "default" })).toEqual([]);
      expect(Math.abs(used.orders.session.clockOffsetSeconds ?? 3600)).toBeLessThan(60);
      await used.orders.issue({ names: ["clear.test", "www.clear.test"], solvers });
    });

    it("finds a profile that Pebble refuses", async () => {
      expect(await look(["profile.test"], { profile: "none" })).toMatchObject([
        { severity: "error", found: 'it does not offer the profile "none", but "default"' },
      ]);
      const refused = used.orders.issue({ names: ["profile.test"], profile: "none" });
      expect((await rejection(refused)).message).toContain("invalidProfile");
    });

    const pebbleCa = "pebble.letsencrypt.org";
    const account = () => `accounturi=${used.orders.accountUrl}`;
    /** CAA records as Pebble's DNS gives them out, at the name or above it. */
    const policies: readonly (readonly [
      at: string,
      name: string,
      isGood: boolean,
      ...values: readonly (() => string)[],
    ])[] = [
      ["own.caa1.test", "own.caa1.test", true, () => pebbleCa],
      ["caa2.test", "deep.below.caa2.test", false, () => "ca.test"],
      ["caa3.test", "caa3.test", true, () => "ca.test", () => `${pebbleCa}; ${account()}`],
      ["caa4.test", "caa4.test", false, () => `${pebbleCa}; ${account()}0`],
      ["caa5.test", "caa5.test", true, () => `${pebbleCa}; validationmethods=dns-01,http-01`],
      ["caa6.test", "caa6.test", false, () => `${pebbleCa}; validationmethods=http-01`],
      ["caa7.test", "*.caa7.test", false, () => ";"],
    ];
    const cases = policies.map(([at, name, isGood, ...values]) => ({ at, name, isGood, values }));
    it.each(cases)("reads the CAA records of $at for $name: $isGood", async ({ at, name, isGood, values }) => {
      await used.pebble.addCaa(at, ...values.map((value) => ({ tag: "issue", value: value() })));
      const findings = await look([name]);
      expect(findings.map(({ severity, subject }) => [severity, subject])).toEqual(isGood ? [] : [["error", name]]);
    });

    it("is all that reads CAA records here: Pebble has no eye for them, and is no judge of ours", async () => {
      await used.pebble.addCaa("forbidden.test", { tag: "issue", value: ";" });
      await used.orders.issue({ names: ["forbidden.test"] });
      expect(await look(["forbidden.test"])).toMatchObject([{ severity: "error" }]);
    });

    it("takes records that can't be had for a warning", async () => {
      await used.pebble.setServfail("broken.test");
      const findings = await look(["broken.test"], { solvers: [solverOf(http("gateway"))] });
      expect(findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
    });
  });
});

/** A clock whose sleeps cost no time: instead something happens. */
function whenSlept(happen: (count: number) => void | Promise<void>): AcmeClock {
  let [slept, count] = [0, 0];
  return {
    now: () => new Date(Date.now() + slept),
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      await happen(++count);
      slept += ms;
    },
  };
}
