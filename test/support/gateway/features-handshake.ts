// Guards: a certificate that the wrong name gets, a protocol that a profile does not offer, a client without a certificate.
import { expect } from "vitest";
import { ask, type GatewayTarget, openSocket, sessionOf, shakeHands } from "./client";
import { addresses } from "./sites";
import type { GatewayTrial } from "./trial";
import { type OpenWebSocket, openWebSocket } from "./websocket";

/** An alert of TLS, by which a server refuses; not a connection that nobody took. */
const alert = /SSL alert number \d+/;

/** Declares the tests. */
export function handshakeFeatures(trial: GatewayTrial): void {
  const facts = (name: string | undefined, tls: object = {}, address?: string) => {
    const target = trial.secure(name, address);
    return shakeHands({ ...target, tls: { ...target.tls, ...tls } });
  };
  /** Refused in the handshake, or, by a server that can't, answered 421. */
  const expectRefused = async (name: string | undefined) => {
    const request = ask(trial.secure(name), { host: name ?? "a.gw.test" });
    if (trial.server.refusesHandshakes) await expect(request).rejects.toThrow(alert);
    else expect((await request).status).toBe(421);
  };

  trial.test(["certificate"], "a name gets the certificate of its site with its chain", async () => {
    // the client knows the root alone, so that the intermediate must have come
    expect((await facts("a.gw.test")).subject).toBe("exact");
    expect((await facts("A.GW.Test")).subject).toBe("exact");
  });

  trial.test(["certificate"], "a wildcard is one label, and an exact name goes before it", async () => {
    expect((await facts("any.gw.test")).subject).toBe("wild");
    await expectRefused("a.b.gw.test");
    await expectRefused("gw.test");
  });

  trial.test(["certificate"], "a name that no site has, and no name at all, are refused", async () => {
    await expectRefused("unknown.test");
    await expectRefused(undefined);
  });

  trial.test(["certificate"], "a site without names answers every name, and none", async () => {
    expect((await facts(undefined, {}, addresses.nameless)).subject).toBe("nameless");
    for (const name of ["any.test", "other.test", undefined]) {
      const answer = await ask(trial.secure(name, addresses.nameless), { host: "whatever.test" });
      expect(answer.echo().upstream).toBe("plain");
    }
  });

  trial.test(["certificate"], "listens on IPv6", async () => {
    expect((await facts("a.gw.test", {}, "::1")).subject).toBe("exact");
    expect((await trial.ask("a", { target: { address: "::1" } })).status).toBe(200);
  });

  trial.test(["certificateFiles"], "certificate, key and authorities that lie on the server are served", async () => {
    const { client } = trial.world.certificates;
    expect((await trial.ask("placed", { tls: client })).echo().upstream).toBe("secure");
    expect((await facts("placed.gw.test", client)).subject).toBe("placed");
  });

  trial.test(["certificate"], "HTTP/2 is chosen where the client knows it, else HTTP/1.1", async () => {
    expect((await facts("a.gw.test", { alpn: ["h2", "http/1.1"] })).alpn).toBe("h2");
    expect((await facts("a.gw.test", { alpn: ["http/1.1"] })).alpn).toBe("http/1.1");
    const answer = await trial.ask("a", { http: "2", path: "/x?y" });
    expect([answer.status, answer.echo().url]).toEqual([200, "/x?y"]);
    expect((await trial.ask("a", { tls: { alpn: [] } })).status).toBe(200);
  });

  trial.test(
    ["certificate"],
    "the intermediate profile has TLS 1.2 and 1.3 with modern suites and groups",
    async () => {
      const tls12 = { maxVersion: "TLSv1.2" };
      expect((await facts("a.gw.test")).version).toBe("TLSv1.3");
      expect((await facts("a.gw.test", tls12)).version).toBe("TLSv1.2");
      for (const ciphers of ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]) {
        const found = await facts("a.gw.test", { ...tls12, ciphers: `ECDHE-ECDSA-${ciphers}` });
        expect(found.cipher).toBe(`ECDHE-ECDSA-${ciphers}`);
      }
      for (const ecdhCurve of ["X25519", "prime256v1", "secp384r1"]) {
        expect((await facts("a.gw.test", { ecdhCurve })).group).toBe(ecdhCurve);
      }
    },
  );

  trial.test(["certificate"], "the intermediate profile refuses TLS 1.1, CBC suites and other groups", async () => {
    // OpenSSL offers the old version at its lowest level of security only
    const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
    await expect(facts("a.gw.test", old)).rejects.toThrow(alert);
    for (const ciphers of ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA"]) {
      await expect(facts("a.gw.test", { maxVersion: "TLSv1.2", ciphers })).rejects.toThrow(alert);
    }
    await expect(facts("a.gw.test", { ecdhCurve: "secp521r1" })).rejects.toThrow(alert);
  });

  trial.test(["modernProfile"], "the modern profile has TLS 1.3 alone", async () => {
    const modern = (tls: object = {}) => facts("modern.test", tls, addresses.modern);
    expect((await modern()).version).toBe("TLSv1.3");
    await expect(modern({ maxVersion: "TLSv1.2" })).rejects.toThrow(alert);
    const answer = await ask(trial.secure("modern.test", addresses.modern), { host: "modern.test", http: "2" });
    expect(answer.echo().upstream).toBe("plain");
  });

  clientAuthFeatures(trial);

  trial.test(["certificate"], "a renewed certificate is served after a reload, and no request is lost", async () => {
    const { gateway, replace } = trial.world;
    const before = await openTunnel(trial);
    replace("exact");
    expect((await facts("a.gw.test")).subject).toBe("exact");
    await gateway.reload();
    // old workers answer for a moment: each try is a request
    const end = Date.now() + 60_000;
    let subject = "";
    while (subject !== "renewed" && Date.now() < end) {
      expect((await trial.ask("a")).status).toBe(200);
      subject = (await facts("a.gw.test")).subject;
    }
    expect(subject, gateway.log()).toBe("renewed");
    if (trial.server.keepsTunnels) {
      before.send("still there");
      expect(await before.next()).toBe("still there");
    }
    before.close();
  });
}

/** Only a certificate of the site's authority gets in; and no other site asks for one. */
function clientAuthFeatures(trial: GatewayTrial): void {
  const secure = (site: string, more: object): GatewayTarget => {
    const target = trial.secure(`${site}.gw.test`);
    return { ...target, tls: { ...target.tls, ...more } };
  };
  const refusal = async (tls: object, http: "1.1" | "2") => {
    const answer = await trial.ask("mtls", { tls, http }).catch(() => undefined);
    return answer === undefined || (answer.status >= 400 && answer.status < 500);
  };

  trial.test(["clientAuth"], "a client with a certificate of the site's authority gets in", async () => {
    const { client } = trial.world.certificates;
    expect((await trial.ask("mtls", { tls: client })).echo().upstream).toBe("plain");
    expect((await trial.ask("mtls", { tls: client, http: "2" })).echo().upstream).toBe("plain");
    expect((await trial.ask("mtls", { tls: { ...client, maxVersion: "TLSv1.2" } })).status).toBe(200);
  });

  trial.test(
    ["clientAuth"],
    "a client without one, or with one of another authority, never reaches the upstream",
    async () => {
      const { stranger } = trial.world.certificates;
      const reached = await trial.reaching(async () => {
        for (const http of ["1.1", "2"] as const) {
          for (const maxVersion of ["TLSv1.3", "TLSv1.2"]) {
            expect(await refusal({ maxVersion }, http)).toBe(true);
            expect(await refusal({ maxVersion, ...stranger }, http)).toBe(true);
          }
        }
      });
      expect(reached).toBe(0);
    },
  );

  trial.test(
    ["clientAuth"],
    "neither another site's name nor its session gets past a missing certificate",
    async () => {
      const reached = await trial.reaching(async () => {
        for (const http of ["1.1", "2"] as const) {
          const answer = await ask(trial.secure("a.gw.test"), { host: "mtls.gw.test", http });
          expect(answer.status).toBe(421);
        }
        for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
          const session = await sessionOf(secure("a", { maxVersion }), "a.gw.test");
          if (session !== undefined) expect(await refusal({ session, maxVersion }, "1.1")).toBe(true);
        }
      });
      // the two requests that brought the sessions
      expect(reached).toBe(2);
    },
  );

  trial.test(
    ["clientAuth"],
    "a session that another authority's client got at its own site does not count",
    async () => {
      const { stranger } = trial.world.certificates;
      const reached = await trial.reaching(async () => {
        for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
          const session = await sessionOf(secure("other-mtls", { ...stranger, maxVersion }), "other-mtls.gw.test");
          if (session === undefined) continue;
          for (const http of ["1.1", "2"] as const) {
            expect(await refusal({ session, maxVersion }, http)).toBe(true);
            expect(await refusal({ session, maxVersion, ...stranger }, http)).toBe(true);
          }
        }
      });
      // as above: their own site answers them
      expect(reached).toBe(2);
    },
  );
}

/** A WebSocket that said hello. */
async function openTunnel(trial: GatewayTrial): Promise<OpenWebSocket> {
  const socket = await openSocket(trial.secure("any.gw.test"));
  const webSocket = await openWebSocket(socket, { host: "any.gw.test" });
  expect(await webSocket.next()).toMatch(/^hello/);
  return webSocket;
}
