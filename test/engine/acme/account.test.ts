// An account on the real engine, at a real Pebble that demands external account bindings.
import { generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, type AcmeAccountArgs } from "pulumi-tls-gateway";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureAccount } from "../../../provider/src/acme/account/account";
import { readAccountKey } from "../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../provider/src/acme/client/transport";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { type Pebble, startPebble } from "../../support/acme/pebble";
import { useStack } from "../../support/engine/shared-stack";
import { describeWithPeer } from "../../support/peer";

const hmac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
const newKey = () =>
  generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

describeWithPeer("pebble", () => {
  let pebble: Pebble;
  let args: Partial<AcmeAccountArgs> = {};
  beforeAll(async () => {
    pebble = await startPebble({
      externalAccounts: { "kid-1": hmac },
      profiles: { short: { description: "", validityPeriod: 600_000 } },
    });
  });
  afterAll(() => pebble?.stop());

  const shared = useStack("account", () => {
    const account = new AcmeAccount("ca", {
      directory: pebble.directoryUrl,
      caBundlePem: pebble.caBundlePem,
      acceptTermsOfService: true,
      ...args,
    });
    const { accountUrl, thumbprint, contacts, status, profiles, requiresExternalAccountBinding } = account;
    const isSecret = pulumi.isSecret(account.accountKeyPem);
    return { accountUrl, thumbprint, contacts, status, profiles, requiresExternalAccountBinding, isSecret };
  });
  /** What the CA says of the account of a key. */
  const ask = async (keyPem: string) => {
    const deadline = new Deadline(20, systemClock);
    const transport = new AcmeTransport({ caBundlePem: pebble.caBundlePem });
    const session = new AcmeSession({ directoryUrl: pebble.directoryUrl, key: readAccountKey(keyPem), transport });
    try {
      return await ensureAccount(session, { contacts: [], acceptTermsOfService: false }, deadline);
    } finally {
      deadline.dispose();
      transport.close();
    }
  };

  it("is refused with a wrong binding in words, and its key is kept for the next run", async () => {
    args = { externalAccountBinding: { keyId: "kid-1", hmacBase64: `a${hmac.slice(1)}` } };
    const text = await shared.engine.failure(() => shared.engine.up());
    expect(text).toMatch(/ACME_ACCOUNT: .*Hint: /);
    const { ca } = shared.engine.resources();
    args = { externalAccountBinding: { keyId: "kid-1", hmacBase64: hmac } };
    await shared.engine.up();
    expect(shared.seen.thumbprint).toBe(ca?.outputs.thumbprint);
    expect(shared.seen).toMatchObject({
      status: "valid",
      profiles: ["short"],
      requiresExternalAccountBinding: true,
      isSecret: true,
    });
    expect(await shared.engine.leaks([hmac])).toEqual([]);
  });

  it("is left alone by the next run, also without the binding, and by a refresh", async () => {
    args = {};
    for (const run of [shared.engine.up({ expectNoChanges: true })]) expect((await run).changes).toEqual({ same: 1 });
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 1 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 1 });
  });

  it("gets other contacts in place", async () => {
    const { accountUrl } = shared.seen;
    args = { contacts: ["ops@example.com"] };
    expect((await shared.engine.up()).changes).toEqual({ update: 1 });
    expect(shared.seen).toMatchObject({ accountUrl, contacts: ["ops@example.com"] });
  });

  it("rolls over to another key in place, with the reason, and the old key is nobody's", async () => {
    const { accountUrl } = shared.seen;
    const accountKeyPem = newKey();
    args = { ...args, accountKeyPem: pulumi.secret(accountKeyPem) };
    const { messages } = await shared.engine.preview();
    expect(messages.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^rolls the account at .* over to the new key/),
    );
    expect((await shared.engine.up()).changes).toEqual({ update: 1 });
    expect(shared.seen.accountUrl).toBe(accountUrl);
    expect((await ask(accountKeyPem)).url).toBe(accountUrl);
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 1 });
  });

  it("stays at the CA when it is destroyed, is found again by its key, and is deactivated only if asked", async () => {
    const { accountUrl } = shared.seen;
    const accountKeyPem = newKey();
    args = { ...args, accountKeyPem: pulumi.secret(accountKeyPem) };
    await shared.engine.up();
    await shared.engine.destroy();
    expect((await ask(accountKeyPem)).status).toBe("valid");
    args = { ...args, deactivateOnDestroy: true };
    await shared.engine.up();
    expect(shared.seen.accountUrl).toBe(accountUrl);
    expect(await shared.engine.leaks([accountKeyPem.split("\n")[2] as string])).toEqual([]);
    await shared.engine.destroy();
    await expect(ask(accountKeyPem)).rejects.toThrow(/^ACME_ACCOUNT: /);
  });
});
