// Each place that a redirection leads to is judged, and so is every address that a connection is made to.
import type { LookupAddress } from "node:dns";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { type AddressPolicy, allowEvery, refuseNonPublic } from "../../../../provider/src/network/address-policy";
import { exchange } from "../../../../provider/src/network/aia/exchange";
import { followRedirects } from "../../../../provider/src/network/aia/fetch";
import { judgedLookup, type Resolver } from "../../../../provider/src/network/aia/lookup";
import { type AiaServer, startAiaServer } from "../../../support/x509/aia-server";

let server: AiaServer;
beforeEach(async () => {
  server = await startAiaServer([]);
  server.answers.set("/x", "x");
});
afterEach(async () => {
  await server.idle();
  await server.stop();
});

/** The address of the server alone is as good as public. */
const serverOnly: AddressPolicy = (address) => (address === "127.0.0.1" ? undefined : refuseNonPublic(address));
const never = new AbortController().signal;

async function failure(work: Promise<unknown>): Promise<TlsError> {
  try {
    await work;
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("came to an end without a failure");
}

describe("followRedirects", () => {
  it("judges every place anew, however it is spelled", async () => {
    const to = (place: string) => server.url(`/redirect?to=${encodeURIComponent(place)}`);
    const private6 = `http://[::1]:${server.port}/x`;
    const cases = [
      [server.url("/redirect-private"), "169.254.169.254 is a link-local address"],
      [to(`http://127.0.0.2:${server.port}/x`), "127.0.0.2 is a loopback address"],
      [to(`//0x7f.2:${server.port}/x`), "127.0.0.2 is a loopback address"],
      [to(private6), "::1 is a loopback address"],
      [to(to("http://10.1/")), "10.0.0.1 is a private address"],
      [to("http://[::ffff:a9fe:a9fe]/"), "is a link-local address, where clouds serve their metadata in IPv4-mapped"],
    ] as const;
    for (const [url, found] of cases) {
      const { code, reason } = await failure(followRedirects(url, serverOnly, never));
      expect([code, reason]).toEqual(["AIA_REFUSED", expect.stringContaining(found)]);
      expect(reason).toContain('", redirected to "');
    }
    expect((await followRedirects(to(server.url("/x")), serverOnly, never)).body.toString()).toBe("x");
  });
});

describe("judgedLookup", () => {
  const addresses = (...given: string[]): LookupAddress[] =>
    given.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const answering =
    (...given: string[]): Resolver =>
    (_, callback) =>
      callback(null, addresses(...given));
  const resolving = (resolve: Resolver, all: boolean, policy: AddressPolicy = refuseNonPublic) =>
    new Promise<unknown>((done, fail) => {
      judgedLookup(policy, "x", resolve)("ca.test", { all }, (error, found, family) => {
        if (error === null) done(all ? found : [found, family]);
        else fail(error);
      });
    });

  it("gives the allowed addresses of a name, all or the first one", async () => {
    const mixed = answering("10.0.0.1", "8.8.8.8", "fe80::1", "2606:4700::1");
    expect(await resolving(mixed, true)).toEqual(addresses("8.8.8.8", "2606:4700::1"));
    expect(await resolving(mixed, false)).toEqual(["8.8.8.8", 4]);
    expect(await resolving(answering("10.0.0.1"), false, allowEvery)).toEqual(["10.0.0.1", 4]);
  });

  it("fails when none is left, with the name, the address and how many others", async () => {
    expect(await failure(resolving(answering("169.254.169.254"), true))).toMatchObject({
      code: "AIA_REFUSED",
      reason:
        'x: the name "ca.test" has the address 169.254.169.254, a link-local address, where clouds serve their metadata, which is not connected to.',
    });
    expect((await failure(resolving(answering("10.0.0.1", "::1", "::"), true))).reason).toMatch(
      /10\.0\.0\.1, a private address, which is not connected to, as is none of its other 2\.$/,
    );
    expect(await failure(resolving(answering(), true))).toMatchObject({ code: "AIA_UNREACHABLE" });
  });

  it("is what a connection is made from: a name that resolves to something else the next time changes nothing", async () => {
    const answers = [["127.0.0.1"], ["127.0.0.2"]];
    const rebinding: Resolver = (_, callback) => callback(null, addresses(...(answers.shift() ?? [])));
    const lookup = judgedLookup(serverOnly, "x", rebinding);
    const url = new URL(`http://ca.test:${server.port}/x`);
    expect((await exchange(url, { what: "x", lookup, signal: never })).body.toString()).toBe("x");
    expect(answers).toHaveLength(1);
    expect((await failure(exchange(url, { what: "x", lookup, signal: never }))).reason).toContain("127.0.0.2");
    expect(server.connections).toBe(1);
  });

  it("lets the rest of a name's addresses be tried when one does not answer", async () => {
    const port = server.port;
    const lookup = judgedLookup(allowEvery, "x", answering("127.0.0.2", "127.0.0.1"));
    await new Promise<void>((done, fail) => {
      const socket = connect({ host: "ca.test", port, lookup }, () => done(socket.destroy() && undefined));
      socket.once("error", fail);
    });
  });
});

describe("exchange", () => {
  const url = new URL("http://ca.test/");

  it("ends by its signal while the DNS does not answer", async () => {
    const end = new AbortController();
    const lookup = judgedLookup(allowEvery, "x", () => end.abort("it took longer than 1 s"));
    expect(await failure(exchange(url, { what: "x", lookup, signal: end.signal }))).toMatchObject({
      code: "AIA_UNREACHABLE",
      reason: "x: it took longer than 1 s; no connection came about.",
    });
  });

  it.each([
    ["ENOTFOUND", "x: its name is not known to the DNS (ENOTFOUND)."],
    ["EAI_AGAIN", "x: the DNS did not answer (EAI_AGAIN)."],
    ["EAI_STRANGE", "x: the connection failed (EAI_STRANGE)."],
  ])("tells of a failure of the DNS: %s", async (code, reason) => {
    const lookup = judgedLookup(allowEvery, "x", (_, callback) =>
      callback(Object.assign(new Error(code), { code }), []),
    );
    const error = await failure(exchange(url, { what: "x", lookup, signal: never }));
    expect(error).toMatchObject({ code: "AIA_UNREACHABLE", reason });
    expect(error.hint).toMatch(/check the DNS and the firewall/);
  });
});
