// A chain whose certificates say where their issuers are: what is missing is fetched from a server on loopback, judged, and kept.
import { X509Certificate } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isTlsError } from "../../../../provider/src/errors";
import { certificateChain } from "../../../../provider/src/lifecycle/chain/certificate-chain";
import { type Properties, UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { checked, created, refused, updated } from "../../../support/engine/lifecycle";
import { type AiaServer, startAiaServer } from "../../../support/x509/aia-server";
import { caExtensions, day, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

const now = new Date();
let server: AiaServer;
beforeEach(async () => {
  server = await startAiaServer([]);
});
afterEach(async () => {
  await server.idle();
  await server.stop();
});

/** Where an issuer is, as an extension. */
const at = (path: string) => `authorityInfoAccess=caIssuers;URI:${server.url(path)}`;
const publish = (path: string, pair: IssuedPair) => server.answers.set(path, new X509Certificate(pair.pem).raw);
const completeFromAia = { allowPrivateAddresses: true };

let root: IssuedPair;
beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
});

/** Leaf, lower, upper, root: each says where the one above it is, and all but the leaf are published. */
function publishChain() {
  const upper = pki.issue("Upper", { issuer: root, extensions: [...caExtensions(), at("/root")] });
  const lower = pki.issue("Lower", { issuer: upper, extensions: [...caExtensions(0), at("/upper")] });
  const leaf = pki.issue("shop", { issuer: lower, extensions: [...leafExtensions("DNS:shop.test"), at("/lower")] });
  for (const [path, pair] of [
    ["/lower", lower],
    ["/upper", upper],
    ["/root", root],
  ] as const) {
    publish(path, pair);
  }
  return { leaf, lower, upper };
}

const paths = () => server.requests.map(({ path }) => path);
const explain = (state: Properties | undefined, inputs: Properties) => certificateChain.explain?.(state, inputs, now);

async function failure(args: Properties): Promise<string> {
  try {
    await created(certificateChain, args, now);
  } catch (error) {
    if (isTlsError(error)) return error.message;
    throw error;
  }
  throw new Error("was created without a failure");
}

describe("a chain that is completed by AIA", () => {
  it("fetches what is missing, one after the other, up to the root", async () => {
    const { leaf, lower, upper } = publishChain();
    const { inputs, state } = await created(certificateChain, { certPem: leaf.pem, completeFromAia }, now);
    expect(inputs).toMatchObject({
      certPem: leaf.pem,
      names: ["shop.test"],
      missingIssuerUrls: [server.url("/lower")],
    });
    // known only afterwards, and unknown in a preview because it is no input
    for (const name of ["issuerPem", "rootPem", "completedIssuerPem"]) expect(inputs).not.toHaveProperty(name);
    expect(state).toMatchObject({ completedIssuerPem: lower.pem + upper.pem, rootPem: root.pem });
    expect(paths()).toEqual(["/lower", "/upper", "/root"]);
  });

  it("fetches up to the trusted roots only, and nothing of what is given", async () => {
    const { leaf, lower, upper } = publishChain();
    const args = { certPem: leaf.pem, issuerPem: lower.pem, roots: root.pem, completeFromAia };
    const { inputs, state } = await created(certificateChain, args, now);
    expect(inputs).toMatchObject({ issuerPem: lower.pem, missingIssuerUrls: [server.url("/upper")] });
    expect(state).toMatchObject({ completedIssuerPem: lower.pem + upper.pem, rootPem: root.pem });
    expect(paths()).toEqual(["/upper"]);
  });

  it("uses a given certificate that has its place only after what was fetched", async () => {
    const { leaf, lower, upper } = publishChain();
    const args = { certPem: leaf.pem, issuerPem: upper.pem, roots: root.pem, completeFromAia };
    const { state } = await created(certificateChain, args, now);
    expect(state).toMatchObject({ completedIssuerPem: lower.pem + upper.pem, rootPem: root.pem });
    expect(paths()).toEqual(["/lower"]);
  });

  it("says before what it fetches, for whom and from where, and nothing when it is there", async () => {
    const { leaf } = publishChain();
    const { inputs, state } = await created(certificateChain, { certPem: leaf.pem, completeFromAia }, now);
    expect(explain(undefined, inputs)).toBe(`fetches the missing issuer of CN=shop from ${server.url("/lower")}`);
    expect(explain(state, inputs)).toBeUndefined();
    expect(explain({ ...state, certPem: "another" }, inputs)).toMatch(/^fetches the missing issuer/);
  });

  it("asks nobody in a later run: an update is made from the state", async () => {
    const { leaf } = publishChain();
    const args = { certPem: leaf.pem, completeFromAia };
    const held = await created(certificateChain, args, now);
    const asked = server.connections;
    const { state } = await updated(certificateChain, held, { ...args, hostnames: ["shop.test"] }, now);
    expect(state).toMatchObject({ completedIssuerPem: held.state.completedIssuerPem, hostnames: ["shop.test"] });
    expect(server.connections).toBe(asked);
  });

  it("is fetched anew by a refresh, and by an update when what was kept has expired", async () => {
    const upper = pki.issue("Upper", {
      issuer: root,
      extensions: caExtensions(),
      to: new Date(now.getTime() + 5 * day),
    });
    const leaf = pki.issue("shop", { issuer: upper, extensions: [...leafExtensions("DNS:shop.test"), at("/upper")] });
    publish("/upper", upper);
    const args = { certPem: leaf.pem, roots: root.pem, completeFromAia };
    const held = await created(certificateChain, args, now);
    const renewed = pki.issue("Upper", { issuer: root, keyOf: upper, extensions: caExtensions() });
    publish("/upper", renewed);
    const fresh = { completedIssuerPem: renewed.pem, rootPem: root.pem };
    expect(await certificateChain.refresh?.("id", held.state, { now })).toEqual(fresh);
    const later = new Date(now.getTime() + 10 * day);
    expect((await updated(certificateChain, held, args, later)).state).toMatchObject(fresh);
    expect(paths()).toEqual(["/upper", "/upper", "/upper"]);
  });

  it("needs no network when nothing is missing", async () => {
    const { leaf, lower, upper } = publishChain();
    const certPem = leaf.pem + lower.pem + upper.pem + root.pem;
    const { state } = await created(certificateChain, { certPem, completeFromAia: true }, now);
    expect(state).toMatchObject({ issuerPem: lower.pem + upper.pem, rootPem: root.pem });
    expect(state).not.toHaveProperty("missingIssuerUrls");
    expect(await certificateChain.refresh?.("id", state, { now })).toEqual({});
    expect(server.connections).toBe(0);
  });

  it("is unknown as a whole while the certificate is", () => {
    expect(checked(certificateChain, { certPem: UNKNOWN, completeFromAia }, now)).toMatchObject({
      issuerPem: UNKNOWN,
      missingIssuerUrls: UNKNOWN,
    });
  });

  it("connects to no address inside unless that is allowed", async () => {
    const { leaf } = publishChain();
    const message = await failure({ certPem: leaf.pem, completeFromAia: true });
    expect(message).toMatch(/^AIA_REFUSED: .*127\.0\.0\.1 is a loopback address, .* Hint: .*allow private addresses/);
    expect(server.connections).toBe(0);
  });

  it("refuses a certificate that did not issue the other one, and a completed chain with a fault", async () => {
    const { leaf } = publishChain();
    publish("/lower", root);
    expect(await failure({ certPem: leaf.pem, completeFromAia })).toMatch(
      /^AIA_INVALID: completing the chain of CN=shop: what http.*\/lower holds did not issue it \(CN=Root\)/,
    );
    const past = { from: new Date(now.getTime() - 9 * day), to: new Date(now.getTime() - day) };
    const expired = pki.issue("Old", { issuer: root, extensions: caExtensions(), ...past });
    const below = pki.issue("shop", { issuer: expired, extensions: [...leafExtensions("DNS:a.test"), at("/old")] });
    publish("/old", expired);
    expect(await failure({ certPem: below.pem, roots: root.pem, completeFromAia })).toMatch(
      /^CERTIFICATE_EXPIRED: the chain of CN=shop, completed: CN=Old expired at /,
    );
  });

  it("tries the next URL, and tells of the first when none brings the issuer", async () => {
    const both = `authorityInfoAccess=caIssuers;URI:${server.url("/gone")},caIssuers;URI:${server.url("/upper")}`;
    const upper = pki.issue("Upper", { issuer: root, extensions: caExtensions() });
    const leaf = pki.issue("shop", { issuer: upper, extensions: [...leafExtensions("DNS:shop.test"), both] });
    const args = { certPem: leaf.pem, roots: root.pem, completeFromAia };
    expect(await failure(args)).toMatch(/^AIA_REFUSED: .*\/gone": the server answered with status 404/);
    publish("/upper", upper);
    expect((await created(certificateChain, args, now)).state).toMatchObject({ completedIssuerPem: upper.pem });
  });

  it("is refused in the preview when the certificate names no http URL", () => {
    const upper = pki.issue("Upper", { issuer: root, extensions: caExtensions() });
    for (const more of [[], ["authorityInfoAccess=caIssuers;URI:ldap://ca.test/cn=a"]]) {
      const leaf = pki.issue("shop", { issuer: upper, extensions: [...leafExtensions("DNS:shop.test"), ...more] });
      expect(refused(certificateChain, { certPem: leaf.pem, completeFromAia: true }, now)).toEqual([
        expect.stringMatching(/^completeFromAia: CN=shop was issued by CN=Upper, .* names no http URL.* Hint: Append/),
      ]);
    }
  });

  it("gives up after eight fetches", async () => {
    const authorities = [root];
    for (let level = 0; level < 10; level++) {
      const issuer = authorities[0] as IssuedPair;
      authorities.unshift(pki.issue(`Level ${level}`, { issuer, extensions: [...caExtensions(), at(`/${level}`)] }));
    }
    for (const [index, pair] of authorities.entries()) publish(`/${10 - index}`, pair);
    const [lowest] = authorities;
    const names = [...leafExtensions("DNS:shop.test"), at("/10")];
    const leaf = pki.issue("shop", { issuer: lowest as IssuedPair, extensions: names });
    expect(await failure({ certPem: leaf.pem, roots: root.pem, completeFromAia })).toMatch(
      /^AIA_REFUSED: completing the chain of CN=shop: after 8 fetched issuers/,
    );
    expect(server.requests).toHaveLength(8);
  });

  it.each([
    [5, /^completeFromAia: found a number, expected true, false or an object/],
    [{ timeoutSeconds: 0 }, /^completeFromAia\.timeoutSeconds: found 0 seconds, expected at least 1/],
    [{ timeoutSeconds: "5" }, /^completeFromAia\.timeoutSeconds: found a text, expected a number of seconds/],
    [{ alowPrivate: true }, /^completeFromAia\.alowPrivate: there is no such property, expected allowPrivateAddresses/],
  ])("is refused as %j", (value, reason) => {
    const { leaf } = publishChain();
    const failures = refused(certificateChain, { certPem: leaf.pem, completeFromAia: value }, now);
    expect(failures).toEqual([expect.stringMatching(reason)]);
  });
});
