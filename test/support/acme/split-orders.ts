// Guards: split orders of one test that another one counts. A Pebble behind a proxy, with an account, for the tests of a block, and
// orders with names of their own.
import { X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import type { Properties } from "../../../provider/src/lifecycle/lifecycle";
import { FaultProxy } from "./fault-proxy";
import { openAccount, useAcmeHome } from "./lifecycle";
import { isReplaceable, type Pebble, startPebble } from "./pebble";
import { SplitCertificate } from "./split";

/** Seconds. */
export const DAY = 24 * 3600;
/** What a CA says that wants a certificate to be renewed at once. */
export const pastWindow = { suggestedWindow: { start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" } };

const profiles = {
  default: { description: "90 days", validityPeriod: 90 * DAY },
  shortlived: { description: "6 days", validityPeriod: 6 * DAY },
};

/** What a block of tests uses; all of it is there in its tests. */
export class SplitOrders {
  declare pebble: Pebble;
  declare proxy: FaultProxy;
  declare account: Properties;
  /** The number in the name of the last order, `s<count>.test`. */
  count = 0;
  readonly home: ReturnType<typeof useAcmeHome>["home"];
  readonly said: ReturnType<typeof useAcmeHome>["said"];

  constructor({ home, said }: ReturnType<typeof useAcmeHome>) {
    [this.home, this.said] = [home, said];
  }

  /** An order of a name of its own, and its certificate; nothing is asked yet. */
  split(args: Properties = {}): SplitCertificate {
    this.count += 1;
    const names = { hostnames: [`s${this.count}.test`], profile: "default" };
    return new SplitCertificate(this.pebble, this.account, { ...names, ...args });
  }

  /** A certificate that was just taken; what was asked for it is not counted. */
  async issued(args: Properties = {}): Promise<SplitCertificate> {
    const both = this.split(args);
    const { certPem } = await both.up();
    this.proxy.reset();
    return isReplaceable(certPem) ? both : this.issued(args);
  }

  /** What the CA was asked, but for nonces. */
  kinds(): readonly string[] {
    return this.proxy.requests.map(({ kind }) => kind).filter((kind) => kind !== "newNonce");
  }
}

/** Starts and stops what the tests of this block use. */
export function useSplitOrders(): SplitOrders {
  const used = new SplitOrders(useAcmeHome());
  beforeAll(async () => {
    used.pebble = await startPebble({ retryAfter: { authz: 0, order: 0 }, profiles, blocklist: ["blocked.test"] });
    used.proxy = await FaultProxy.start(used.pebble);
    used.account = await openAccount(used.proxy);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    used.proxy.reset();
  });
  afterAll(async () => {
    await used.proxy?.stop();
    await used.pebble?.stop();
  });
  return used;
}

/** For how many days a certificate was issued. */
export function daysOf({ certPem }: Properties): number {
  const { validFrom, validTo } = new X509Certificate(String(certPem));
  return Math.round((Date.parse(validTo) - Date.parse(validFrom)) / (DAY * 1000));
}
