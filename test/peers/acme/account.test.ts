// Accounts and signed requests against a real CA, and with everything in between that can fail.
import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type AccountRequest,
  deactivateAccount,
  ensureAccount,
  findAccount,
  readAccount,
  rollOverKey,
  updateContacts,
} from "../../../provider/src/acme/account/account";
import { type AccountKey, readAccountKey } from "../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../provider/src/acme/client/transport";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { type TestClock, testClock } from "../../support/acme/clock";
import { type FaultAction, type FaultProxy, type ProxiedKind, startFaultProxy } from "../../support/acme/fault-proxy";
import { type Pebble, type PebbleOptions, startPebble } from "../../support/acme/pebble";
import { describeWithPeer } from "../../support/peer";
import { rejection } from "../../support/rejection";

const consent: AccountRequest = { contacts: [], acceptTermsOfService: true };
const ends: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function newKey(kind: "P256" | "P384" | "RSA2048" = "P256"): AccountKey {
  const { privateKey } =
    kind === "RSA2048"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: kind === "P256" ? "prime256v1" : "secp384r1" });
  return readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}

interface Place {
  readonly directoryUrl: string;
  readonly caBundlePem: string;
}

function sessionAt({ directoryUrl, caBundlePem }: Place, key = newKey(), clock: TestClock | undefined = undefined) {
  const transport = new AcmeTransport({ caBundlePem, requestTimeoutSeconds: 5 });
  const deadline = new Deadline(60, clock ?? systemClock);
  ends.push(
    () => transport.close(),
    () => deadline.dispose(),
  );
  const session = new AcmeSession({ directoryUrl, key, transport, ...(clock !== undefined && { clock }) });
  return { session, deadline, transport };
}

async function pebbleWith(options: PebbleOptions): Promise<Pebble> {
  const pebble = await startPebble(options);
  ends.push(() => pebble.stop());
  return pebble;
}

describeWithPeer("pebble", () => {
  let pebble: Pebble;
  let proxy: FaultProxy;

  beforeAll(async () => {
    pebble = await startPebble({ strict: true });
    proxy = await startFaultProxy(pebble);
  });
  afterAll(async () => {
    await proxy.stop();
    await pebble.stop();
  });
  beforeEach(() => proxy.reset());

  describe("an account", () => {
    it.each(["P256", "P384", "RSA2048"] as const)("with a %s key is made, and found by the key", async (kind) => {
      const key = newKey(kind);
      const { session, deadline } = sessionAt(pebble, key);
      expect(await findAccount(session, deadline)).toBeUndefined();
      const made = await ensureAccount(session, { ...consent, contacts: ["ops@example.com"] }, deadline);
      expect(made).toMatchObject({ status: "valid", contacts: ["mailto:ops@example.com"] });
      expect(made.url).toContain("https://localhost:");
      expect(made.termsOfService, "Pebble's joke").toMatch(/^data:/);
      // another process, with other contacts and without consent
      const later = sessionAt(pebble, key);
      const found = await ensureAccount(later.session, { contacts: [], acceptTermsOfService: false }, later.deadline);
      expect(found).toEqual(made);
      expect(await readAccount(later.session, made.url, later.deadline)).toEqual(made);
    });

    it("changes its contacts in place", async () => {
      const { session, deadline } = sessionAt(pebble);
      const { url } = await ensureAccount(session, { ...consent, contacts: ["one@example.com"] }, deadline);
      const changed = await updateContacts(session, url, ["mailto:two@example.com"], deadline);
      expect(changed).toMatchObject({ url, contacts: ["mailto:two@example.com"] });
      expect(await readAccount(session, url, deadline)).toEqual(changed);
      expect((await updateContacts(session, url, [], deadline)).contacts).toEqual([]);
    });

    it("is not made without consent to the terms of service, which are named", async () => {
      const { session, deadline } = sessionAt(proxy);
      const error = await rejection(ensureAccount(session, { contacts: [], acceptTermsOfService: false }, deadline));
      expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
      expect(error.message).toMatch(/terms of service, \S+, are not accepted.*acceptTermsOfService/);
      expect(proxy.count("newAccount"), "only the search").toBe(1);
    });

    it("is refused with contacts that the CA does not take", async () => {
      const { session, deadline } = sessionAt(pebble);
      const error = await rejection(ensureAccount(session, { ...consent, contacts: ["tel:+4900"] }, deadline));
      expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
      expect(error.hint).toContain("mail");
    });
  });

  describe("the key of an account", () => {
    it("is changed: the old one is refused, the new one works, and doing it again succeeds", async () => {
      const [key, next] = [newKey(), newKey("P384")];
      const { session, deadline } = sessionAt(pebble, key);
      const account = await ensureAccount(session, consent, deadline);
      await rollOverKey(session, account.url, next, deadline);
      expect(await rejection(readAccount(session, account.url, deadline))).toMatchObject({ name: "TlsError" });
      expect(await findAccount(session, deadline)).toBeUndefined();
      const changed = sessionAt(pebble, next);
      expect(await findAccount(changed.session, changed.deadline)).toEqual(account);
      expect(await readAccount(changed.session, account.url, changed.deadline)).toEqual(account);
      await rollOverKey(session, account.url, next, deadline);
    });

    it("is changed though the answer was lost", async () => {
      const next = newKey();
      const { session, deadline } = sessionAt(proxy, newKey(), testClock());
      const { url } = await ensureAccount(session, consent, deadline);
      proxy.plan({ on: "keyChange", action: { drop: "after" } });
      await rollOverKey(session, url, next, deadline);
      expect(proxy.count("keyChange")).toBe(2);
      expect((await findAccount(session.withKey(next), deadline))?.url).toBe(url);
    });

    it("can't be that of another account", async () => {
      const next = newKey();
      const { session, deadline } = sessionAt(pebble);
      const { url } = await ensureAccount(session, consent, deadline);
      const other = await ensureAccount(session.withKey(next), consent, deadline);
      const error = await rejection(rollOverKey(session, url, next, deadline));
      expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
      expect(error.message).toContain(other.url);
      expect((await findAccount(session, deadline))?.url, "unchanged").toBe(url);
    });

    it("stays when the account is not this key's", async () => {
      const { session, deadline } = sessionAt(pebble);
      const { url } = await ensureAccount(session, consent, deadline);
      const stranger = sessionAt(pebble);
      const error = await rejection(rollOverKey(stranger.session, url, newKey(), stranger.deadline));
      expect(error.message).toContain("changing the key of the account");
      expect((await findAccount(session, deadline))?.url).toBe(url);
    });
  });

  describe("deactivating an account", () => {
    it("is done once, and doing it again succeeds", async () => {
      const { session, deadline } = sessionAt(pebble);
      const { url } = await ensureAccount(session, consent, deadline);
      await deactivateAccount(session, url, deadline);
      await deactivateAccount(session, url, deadline);
      for (const use of [() => ensureAccount(session, consent, deadline), () => readAccount(session, url, deadline)]) {
        const error = await rejection(use());
        expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
        expect(error.hint).toContain("does not come back");
      }
    });

    it("succeeds though the answer was lost", async () => {
      const { session, deadline } = sessionAt(proxy, newKey(), testClock());
      const { url } = await ensureAccount(session, consent, deadline);
      proxy.plan({ on: "account", action: { drop: "after" } });
      await deactivateAccount(session, url, deadline);
    });

    it("fails for the account of another key", async () => {
      const { session, deadline } = sessionAt(pebble);
      const { url } = await ensureAccount(session, consent, deadline);
      const stranger = sessionAt(pebble);
      await ensureAccount(stranger.session, consent, stranger.deadline);
      await rejection(deactivateAccount(stranger.session, url, stranger.deadline));
      expect((await readAccount(session, url, deadline)).status).toBe("valid");
    });
  });

  describe("a CA that ties accounts to customers", () => {
    const hmacBase64 = Buffer.from("an hmac key of the customer, 32+").toString("base64url");

    it("takes the right binding, and tells what is wrong with others", async () => {
      const customers = await pebbleWith({ externalAccounts: { "kid-1": hmacBase64 } });
      const { session, deadline } = sessionAt(customers);
      expect((await session.directory(deadline)).meta.externalAccountRequired).toBe(true);
      const missing = await rejection(ensureAccount(session, consent, deadline));
      expect(missing).toMatchObject({ code: "ACME_ACCOUNT" });
      expect(missing.message).toMatch(/no binding is given.*externalAccountBinding/);
      const other = Buffer.from("another hmac key, as long as that").toString("base64url");
      for (const binding of [
        { keyId: "kid-2", hmacBase64 },
        { keyId: "kid-1", hmacBase64: other },
      ]) {
        const error = await rejection(
          ensureAccount(session, { ...consent, externalAccountBinding: binding }, deadline),
        );
        expect(error).toMatchObject({ code: "ACME_ACCOUNT" });
        expect(error.message).toMatch(/externalAccountBinding/);
        expect(error.message).not.toContain(binding.hmacBase64);
      }
      const right = { keyId: "kid-1", hmacBase64 };
      const account = await ensureAccount(session, { ...consent, externalAccountBinding: right }, deadline);
      expect(account.status).toBe("valid");
      // found again without one
      expect(await ensureAccount(session, consent, deadline)).toEqual(account);
    });
  });

  describe("nonces", () => {
    it("are refused half of the time, and 50 requests at once and 50 in a row succeed", async () => {
      const picky = await pebbleWith({ nonceReject: 50 });
      const { session, deadline } = sessionAt(picky);
      const { url } = await ensureAccount(session, consent, deadline);
      const reads = Array.from({ length: 50 }, () => readAccount(session, url, deadline));
      for (const { status } of await Promise.all(reads)) expect(status).toBe("valid");
      for (let count = 0; count < 50; count++) await readAccount(session, url, deadline);
      expect(picky.requestCount("/my-account/"), "about half again").toBeGreaterThan(120);
    });

    it("come back with each answer: one is asked for, and no more than there are connections", async () => {
      const { session, deadline } = sessionAt(proxy);
      const { url } = await ensureAccount(session, consent, deadline);
      for (let count = 0; count < 20; count++) await readAccount(session, url, deadline);
      expect(proxy.count("newNonce")).toBe(1);
      expect(proxy.connections).toBe(1);
      await Promise.all(Array.from({ length: 200 }, () => readAccount(session, url, deadline)));
      expect(proxy.count("account")).toBe(220);
      expect(proxy.count("newNonce")).toBeLessThanOrEqual(16);
      expect(proxy.count("newNonce")).toBeLessThanOrEqual(proxy.connections);
      expect(proxy.count("directory")).toBe(1);
    });

    it("of errors are used too", async () => {
      const { session, deadline } = sessionAt(proxy);
      for (let count = 0; count < 5; count++) expect(await findAccount(session, deadline)).toBeUndefined();
      expect(proxy.count("newNonce")).toBe(1);
    });
  });

  describe("what fails on the way is tried again", () => {
    const ratePrefix = "urn:ietf:params:acme:error:";
    const busy = (headers: Record<string, string>, status = 503): FaultAction => ({
      answer: { status, headers, body: { type: `${ratePrefix}rateLimited`, detail: "Service busy" }, nonce: true },
    });
    /** A whole second, so that no moment counted from it is rounded. */
    const start = new Date("2026-12-01T12:00:00Z");

    /** An account, and a request for it that meets the fault at its first try. */
    async function read(...actions: readonly FaultAction[]) {
      const clock = testClock(start);
      const { session, deadline } = sessionAt(proxy, newKey(), clock);
      const { url } = await ensureAccount(session, consent, deadline);
      proxy.reset();
      proxy.plan(...actions.map((action, at) => ({ on: "account" as const, from: at + 1, action })));
      return { clock, url, session, reading: readAccount(session, url, deadline) };
    }

    it.each<[string, FaultAction, readonly number[]]>([
      ["a connection that is cut before the CA saw the request", { drop: "before" }, [1000]],
      ["an answer that is lost", { drop: "after" }, [1000]],
      ["half an answer", { half: true }, [1000]],
      ["a fault of the CA", { answer: { status: 500, body: { type: `${ratePrefix}serverInternal` } } }, [1000]],
      ["a proxy's 502 in HTML", { answer: { status: 502, body: "<html>Bad gateway</html>" } }, [1000]],
      ["503 without a time", { answer: { status: 503, body: "busy" } }, [1000]],
      ["503 with seconds", busy({ "retry-after": "7" }), [7000]],
      ["429 with seconds", busy({ "retry-after": "7" }, 429), [7000]],
      ["429 with no seconds at all", busy({ "retry-after": "0" }, 429), [1000]],
    ])("%s", async (_, action, sleeps) => {
      const { clock, reading } = await read(action);
      expect((await reading).status).toBe("valid");
      expect(clock.sleeps).toEqual(sleeps);
      expect(proxy.count("account")).toBe(2);
    });

    it.each([429, 503])("%i with a date", async (status) => {
      const [date, retryAfter] = ["Tue, 01 Dec 2026 05:00:00 GMT", "Tue, 01 Dec 2026 05:00:20 GMT"];
      const { clock, reading } = await read(busy({ date, "retry-after": retryAfter }, status));
      await reading;
      expect(clock.sleeps).toEqual([20_000]);
    });

    it("after 1, 2 and 4 seconds, then no more", async () => {
      const { clock, reading } = await read(...Array.from({ length: 9 }, () => ({ drop: "before" }) as const));
      const error = await rejection(reading);
      expect(error).toMatchObject({ code: "ACME_UNREACHABLE" });
      expect(error.message).toMatch(/reading the account .*connection was cut by the other side \(ECONNRESET\)/);
      expect(clock.sleeps).toEqual([1000, 2000, 4000]);
      expect(proxy.count("account")).toBe(4);
    });

    it("each time signed anew, with another nonce", async () => {
      const fault = { answer: { status: 500, body: "", nonce: true } };
      const { reading } = await read(fault, fault, { drop: "after" });
      await reading;
      const nonces = proxy.requests
        .filter(({ kind }) => kind === "account")
        .map(({ body }) => JSON.parse(Buffer.from(JSON.parse(body).protected, "base64url").toString()).nonce);
      expect(nonces).toHaveLength(4);
      expect(new Set(nonces).size).toBe(4);
    });

    it("not when the CA's time is beyond the deadline: the error carries it, nothing waits", async () => {
      const { clock, reading } = await read(busy({ "retry-after": "3600" }, 429));
      const error = await rejection(reading);
      expect(error).toMatchObject({ code: "ACME_RATE_LIMITED", retryAt: "2026-12-01T13:00:00Z" });
      expect(error.message).toContain('"Service busy". Retry after 2026-12-01T13:00:00Z');
      expect(clock.sleeps).toEqual([]);
      expect(proxy.count("account")).toBe(1);
    });

    it("not after 429 without a time", async () => {
      const { clock, reading } = await read(busy({}, 429));
      expect(await rejection(reading)).toMatchObject({ code: "ACME_RATE_LIMITED", retryAt: undefined });
      expect(clock.sleeps).toEqual([]);
    });

    it("not after an answer that says no", async () => {
      const type = `${ratePrefix}malformed`;
      const { clock, reading } = await read({ answer: { status: 400, body: { type, detail: "Odd." }, nonce: true } });
      expect(await rejection(reading)).toMatchObject({ code: "ACME_REJECTED", problem: { type, status: 400 } });
      expect(clock.sleeps).toEqual([]);
      expect(proxy.count("newNonce")).toBe(0);
    });

    it.each<[ProxiedKind, string]>([
      ["directory", "reading the CA's directory"],
      ["newNonce", "asking for a nonce"],
    ])("the %s too, and 4 times in all", async (kind, words) => {
      const clock = testClock();
      const { session, deadline } = sessionAt(proxy, newKey(), clock);
      proxy.plan({ on: kind, times: 4, action: { drop: "before" } });
      const error = await rejection(findAccount(session, deadline));
      expect(error).toMatchObject({ code: "ACME_UNREACHABLE" });
      expect(error.message).toContain(words);
      expect(proxy.count(kind)).toBe(4);
      // the next request begins anew
      expect(await findAccount(session, deadline)).toBeUndefined();
    });

    it("an answer that never comes ends with the request's own limit", async () => {
      const clock = testClock();
      const { caBundlePem, directoryUrl } = proxy;
      const transport = new AcmeTransport({ caBundlePem, requestTimeoutSeconds: 7 });
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const deadline = new Deadline(60, clock);
      ends.push(
        () => void vi.useRealTimers(),
        () => transport.close(),
        () => deadline.dispose(),
      );
      const session = new AcmeSession({ directoryUrl, key: newKey(), transport, clock });
      /** Its seven seconds are over as soon as the proxy has the request. */
      const letTimePass = async () => {
        await proxy.next("newAccount");
        vi.advanceTimersByTime(7000);
      };
      proxy.plan({ on: "newAccount", action: { hold: true } });
      const found = findAccount(session, deadline);
      await letTimePass();
      expect(await found).toBeUndefined();
      expect(proxy.count("newAccount")).toBe(2);
      proxy.plan({ on: "newAccount", times: 9, action: { hold: true } });
      const failed = rejection(findAccount(session, deadline));
      for (let tries = 0; tries < 4; tries++) await letTimePass();
      expect((await failed).message).toMatch(/not answered within 7 s; it was connected to and has not answered/);
    });

    it("or with the step's deadline, or when the step is stopped", async () => {
      const { session, deadline } = sessionAt(proxy);
      await session.directory(deadline);
      proxy.plan({ on: "newAccount", times: 2, action: { hold: true } });
      const short = new Deadline(0.2, systemClock);
      ends.push(() => short.dispose());
      expect(await rejection(findAccount(session, short))).toMatchObject({ code: "ACME_TIMEOUT" });
      const stop = new AbortController();
      const stopped = new Deadline(60, systemClock, stop.signal);
      ends.push(() => stopped.dispose());
      const arrived = proxy.next("newAccount");
      const finding = rejection(findAccount(session, stopped));
      await arrived;
      stop.abort(new Error("SIGTERM"));
      expect(await finding).toMatchObject({ code: "ACME_ABORTED" });
      expect((await finding).message).toContain("SIGTERM");
    });
  });
});
