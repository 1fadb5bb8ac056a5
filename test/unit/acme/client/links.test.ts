// Guards: a CA that has this machine send requests to a server that only this machine reaches, or that passes off a
// stranger's account at another CA as its own.
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureAccount, readAccount } from "../../../../provider/src/acme/account/account";
import { parseDirectory } from "../../../../provider/src/acme/client/directory";
import { readAccountKey } from "../../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../../provider/src/acme/client/transport";
import { answerChallenge, fetchAuthorization } from "../../../../provider/src/acme/order/authorization";
import { downloadCertificate } from "../../../../provider/src/acme/order/download";
import { createOrder, fetchOrder, finalizeOrder } from "../../../../provider/src/acme/order/order";
import { askRenewalInformation } from "../../../../provider/src/acme/order/renewal-information";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import { readCertificates } from "../../../../provider/src/x509/chain/chain";
import { issuedChain } from "../../../support/acme/issued-chain";
import { LinkCa, type LinkName, links } from "../../../support/acme/link-ca";
import { rejection } from "../../../support/rejection";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const identifiers = [{ type: "dns", value: "a.test" }] as const;

let ca: LinkCa;
let stranger: LinkCa;

beforeEach(async () => {
  [ca, stranger] = await Promise.all([LinkCa.start(), LinkCa.start()]);
});
afterEach(() => Promise.all([ca.stop(), stranger.stop()]));

/** Everything that is asked of a CA for a certificate, with as many of its links as there are. */
async function walk(linkOrigins: readonly string[] = []): Promise<void> {
  const deadline = new Deadline(20, systemClock);
  const transport = new AcmeTransport();
  const session = new AcmeSession({ directoryUrl: ca.directoryUrl, key, transport, linkOrigins });
  try {
    const request = { contacts: [], acceptTermsOfService: true };
    const { url: accountUrl } = await ensureAccount(session, request, deadline);
    const context = { session, accountUrl, deadline };
    await readAccount(session, accountUrl, deadline);
    const placed = await createOrder(context, { identifiers });
    const { order } = await fetchOrder(context, placed.order.url);
    for (const url of order.authorizations) {
      const authorization = await fetchAuthorization(context, url);
      for (const challenge of authorization.challenges) await answerChallenge(context, challenge, authorization);
    }
    const { order: valid } = await finalizeOrder(context, order, Buffer.from("request"));
    const expected = { identifiers, preferredChain: "none" };
    await downloadCertificate(context, valid.certificate ?? "", expected);
    const [leaf] = readCertificates(issuedChain("a.test"), "the chain");
    if (leaf !== undefined) await askRenewalInformation(session, leaf, deadline).catch(() => {});
  } finally {
    deadline.dispose();
    transport.close();
  }
}

describe("a link of a CA", () => {
  it("is followed at the origin of the directory", async () => {
    await walk();
    expect(ca.asked).toContain("POST /alternate");
  });

  it.each(links)("is refused elsewhere: %s", async (name: LinkName) => {
    ca.foreign[name] = `${stranger.origin}/${name}`;
    const error = await rejection(walk());
    expect(error).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(error.message).toContain(`is not at ${ca.origin}, where the CA's directory is.`);
    expect(error.message).toContain(`linkOrigins: ["${stranger.origin}"]`);
    expect(stranger.asked).toEqual([]);
  });

  it.each(links)("is followed to an origin that the user names: %s", async (name: LinkName) => {
    ca.foreign[name] = `${stranger.origin}/${name}`;
    await walk([stranger.origin]);
    expect(stranger.asked.map((asked) => asked.split("/")[1])).toContain(name);
  });

  it("is not followed from a state either", async () => {
    const deadline = new Deadline(20, systemClock);
    const session = new AcmeSession({ directoryUrl: ca.directoryUrl, key, transport: new AcmeTransport() });
    const context = { session, accountUrl: `${ca.origin}/account`, deadline };
    const error = await rejection(fetchOrder(context, `${stranger.origin}/order`));
    deadline.dispose();
    expect(error.message).toContain(`is not at ${ca.origin}`);
    expect(stranger.asked).toEqual([]);
  });

  it("is not plain http at a CA with https, also on loopback", () => {
    const urls = { newNonce: "n", newAccount: "a", newOrder: "o", revokeCert: "r", keyChange: "k" };
    const body = Object.fromEntries(Object.keys(urls).map((name) => [name, `http://127.0.0.1:8006/${name}`]));
    expect(() => parseDirectory(Buffer.from(JSON.stringify(body)), "https://ca.test/directory")).toThrow(
      'reading the directory "https://ca.test/directory": newNonce: "http://127.0.0.1:8006/newNonce" is not at https://ca.test',
    );
  });
});

describe("an order", () => {
  it("has no more authorizations than names", async () => {
    ca.authorizations = 500;
    const error = await rejection(walk());
    expect(error.message).toContain("the order has 500 authorizations for 1 names");
    expect(ca.asked.filter((path) => path.includes("authorization"))).toEqual([]);
  });
});
