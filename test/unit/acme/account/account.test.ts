// Accounts at CAs that answer oddly. Those that answer well stand in test/peers/acme/account.test.ts.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  type AccountRequest,
  deactivateAccount,
  ensureAccount,
  findAccount,
  readAccount,
  rollOverKey,
  updateContacts,
} from "../../../../provider/src/acme/account/account";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../../provider/src/acme/client/session";
import { Deadline } from "../../../../provider/src/acme/run/deadline";
import { TlsError } from "../../../../provider/src/errors";
import { testClock } from "../../../support/acme/clock";
import { type Script, type ScriptedAnswer, ScriptedTransport } from "../../../support/acme/script";
import { rejection } from "../../../support/rejection";

function newKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}

const key = newKey();
const consent: AccountRequest = { contacts: [], acceptTermsOfService: true };
const url = "https://ca.test/acct/1";
const newAccount = "https://ca.test/newAccount";
const urn = "urn:ietf:params:acme:error:";
const valid: ScriptedAnswer = { body: { status: "valid", contact: [] }, headers: { location: url } };

function problem(kind: string, status: number, detail = ""): ScriptedAnswer {
  return { status, body: { type: `${urn}${kind}`, detail } };
}

const unknown = problem("accountDoesNotExist", 400, "No account exists with the provided key");

function sessionAt(script: Script) {
  const [transport, clock] = [new ScriptedTransport(script), testClock()];
  const deadline = new Deadline(60, clock);
  deadline.dispose();
  return {
    session: new AcmeSession({ directoryUrl: "https://ca.test/dir", key, transport, clock }),
    transport,
    deadline,
  };
}

/** Answers at newAccount in this order, the last one for ever; `meta` is the directory's. */
function accountsAt(answers: readonly ScriptedAnswer[], meta: object = {}) {
  return sessionAt((asked, at) => {
    if (asked.url === "https://ca.test/dir") return { body: { meta } };
    return asked.url === newAccount ? answers[Math.min(at, answers.length) - 1] : undefined;
  });
}

describe("ensureAccount", () => {
  it("asks for the key's account first, then sends contacts as URLs and the consent", async () => {
    const { session, transport, deadline } = accountsAt([unknown, { ...valid, status: 201 }]);
    const contacts = ["ops@example.com", "mailto:one@example.com"];
    expect(await ensureAccount(session, { ...consent, contacts }, deadline)).toEqual({
      url,
      status: "valid",
      contacts: [],
    });
    expect(transport.signed(newAccount)).toMatchObject([
      { header: { jwk: key.jwk, url: newAccount }, payload: { onlyReturnExisting: true } },
      {
        header: { jwk: key.jwk },
        payload: { contact: ["mailto:ops@example.com", "mailto:one@example.com"], termsOfServiceAgreed: true },
      },
    ]);
  });

  it("sends no consent that was not given, where none is wanted", async () => {
    const { session, transport, deadline } = accountsAt([unknown, valid]);
    await ensureAccount(session, { contacts: [], acceptTermsOfService: false }, deadline);
    expect(transport.signed(newAccount)[1]?.payload).toEqual({ contact: [] });
  });

  it("binds the key to the customer: the inner signature is for the same URL", async () => {
    const { session, transport, deadline } = accountsAt([unknown, valid], { externalAccountRequired: true });
    const hmacBase64 = Buffer.from("secret").toString("base64url");
    const request = { ...consent, externalAccountBinding: { keyId: "kid-1", hmacBase64 } };
    await ensureAccount(session, request, deadline);
    const payload = transport.signed(newAccount)[1]?.payload as { externalAccountBinding: { protected: string } };
    const header = JSON.parse(Buffer.from(payload.externalAccountBinding.protected, "base64url").toString());
    expect(header).toEqual({ alg: "HS256", url: newAccount, kid: "kid-1" });
  });

  it.each<[string, ScriptedAnswer, TlsError["code"], RegExp]>([
    [
      "a deactivated account, by its status",
      { ...valid, body: { status: "deactivated" } },
      "ACME_ACCOUNT",
      /"deactivated", expected "valid"/,
    ],
    [
      "Boulder's words for one",
      problem("unauthorized", 403, 'Account is not valid, has status "deactivated"'),
      "ACME_ACCOUNT",
      /does not come back/,
    ],
    ["no place", { body: { status: "valid" } }, "ACME_PROTOCOL", /header Location/],
    ["a place over http", { ...valid, headers: { location: "http://ca.test/1" } }, "ACME_PROTOCOL", /is not https/],
    ["HTML", { ...valid, body: "<html>" }, "ACME_PROTOCOL", /no JSON object/],
    ["another refusal", problem("malformed", 400, "odd"), "ACME_REJECTED", /"odd"/],
  ])("fails for %s", async (_, answer, code, words) => {
    const { session, transport, deadline } = accountsAt([answer]);
    const error = await rejection(ensureAccount(session, consent, deadline));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(words);
    expect(transport.count(newAccount), "nothing is made").toBe(1);
  });

  it("takes any refusal of a binding for one, whatever its words", async () => {
    const { session, deadline } = accountsAt([unknown, problem("unauthorized", 403, "no")]);
    const binding = { keyId: "kid-1", hmacBase64: "c2VjcmV0" };
    const error = await rejection(ensureAccount(session, { ...consent, externalAccountBinding: binding }, deadline));
    expect(error).toMatchObject({ code: "ACME_ACCOUNT", problem: { kind: "unauthorized" } });
    expect(error.hint).toContain("HMAC key of externalAccountBinding");
    expect(error.message).not.toContain("c2VjcmV0");
  });

  it("asks for what the directory wants before it asks the CA", async () => {
    const meta = { termsOfService: "https://ca.test/terms", externalAccountRequired: true };
    const { session, transport, deadline } = accountsAt([unknown], meta);
    const terms = await rejection(ensureAccount(session, { contacts: [], acceptTermsOfService: false }, deadline));
    expect(terms.message).toContain('"https://ca.test/terms"');
    const binding = await rejection(ensureAccount(session, consent, deadline));
    expect(binding.message).toContain("no binding is given");
    expect(transport.count(newAccount)).toBe(2);
  });
});

describe("findAccount, readAccount and updateContacts", () => {
  it("tell what is there", async () => {
    const known = accountsAt([{ ...valid, body: { contact: ["mailto:a@b.test", 5] } }], {
      termsOfService: "https://t.test",
    });
    expect(await findAccount(known.session, known.deadline)).toEqual({
      url,
      status: "valid",
      contacts: ["mailto:a@b.test"],
      termsOfService: "https://t.test",
    });
    const none = accountsAt([unknown]);
    expect(await findAccount(none.session, none.deadline)).toBeUndefined();
  });

  it("sign with the account's URL, POST-as-GET to read", async () => {
    const { session, transport, deadline } = sessionAt(() => ({ body: { status: "valid" } }));
    await readAccount(session, url, deadline);
    await updateContacts(session, url, ["a@b.test"], deadline);
    const kid = { kid: url };
    expect(transport.signed(url)).toMatchObject([
      { header: kid, payload: "" },
      { header: kid, payload: { contact: ["mailto:a@b.test"] } },
    ]);
  });
});

describe("rollOverKey", () => {
  const next = newKey();
  const keyChange = "https://ca.test/keyChange";
  const rollAt = (change: ScriptedAnswer, owner: ScriptedAnswer) =>
    sessionAt((asked) => (asked.url === keyChange ? change : asked.url === newAccount ? owner : undefined));

  it("has the new key sign for account and old key, without a nonce, RFC 8555 section 7.3.5", async () => {
    const { session, transport, deadline } = rollAt({}, valid);
    await rollOverKey(session, url, next, deadline);
    const [outer] = transport.signed(keyChange);
    expect(outer?.header).toMatchObject({ kid: url, url: keyChange, nonce: expect.any(String) });
    const inner = outer?.payload as { protected: string; payload: string };
    const decode = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
    expect(decode(inner.protected)).toEqual({ alg: "ES256", url: keyChange, jwk: next.jwk });
    expect(decode(inner.payload)).toEqual({ account: url, oldKey: key.jwk });
  });

  it("does nothing for the same key", async () => {
    const { session, transport, deadline } = rollAt({}, valid);
    await rollOverKey(session, url, readAccountKey(key.pem), deadline);
    expect(transport.asked).toEqual([]);
  });

  it.each<[string, ScriptedAnswer, ScriptedAnswer, TlsError["code"] | undefined]>([
    ["refused, but done before", problem("malformed", 400), valid, undefined],
    ["refused, and not done", problem("malformed", 400), unknown, "ACME_REJECTED"],
    [
      "refused for another account's key",
      { status: 409 },
      { ...valid, headers: { location: `${url}2` } },
      "ACME_ACCOUNT",
    ],
    ["agreed to, and the key is another account's", {}, { ...valid, headers: { location: `${url}2` } }, "ACME_ACCOUNT"],
    ["agreed to, and the key is not known", {}, unknown, "ACME_PROTOCOL"],
  ])("%s", async (_, change, owner, code) => {
    const { session, deadline } = rollAt(change, owner);
    const rolled = rollOverKey(session, url, next, deadline);
    if (code === undefined) return expect(await rolled).toBeUndefined();
    expect(await rejection(rolled)).toMatchObject({ code });
  });
});

describe("deactivateAccount", () => {
  const refused = problem("unauthorized", 403, "no");
  it.each<[string, ScriptedAnswer, boolean]>([
    ["the key has no account any more", unknown, true],
    ["the key's account is deactivated, which is refused", problem("unauthorized", 401), true],
    ["the key's account is deactivated, which is told", { ...valid, body: { status: "deactivated" } }, true],
    ["the account is valid", valid, false],
    ["the key has another account", { ...valid, headers: { location: `${url}2` } }, false],
  ])("refused while %s", async (_, owner, isDone) => {
    const { session, transport, deadline } = sessionAt(({ url: asked }) =>
      asked === url ? refused : asked === newAccount ? owner : undefined,
    );
    const ended = deactivateAccount(session, url, deadline);
    if (isDone) await ended;
    else expect((await rejection(ended)).message).toContain("deactivating the account");
    expect(transport.signed(url)).toMatchObject([{ header: { kid: url }, payload: { status: "deactivated" } }]);
  });

  it("gives a failure of the network as it is", async () => {
    const cut = new TlsError("ACME_UNREACHABLE", "cut");
    const { session, deadline } = sessionAt(({ url: asked }) => {
      if (asked === url) throw cut;
      return undefined;
    });
    expect(await rejection(deactivateAccount(session, url, deadline))).toBe(cut);
  });
});
