// Guards: what one site's clients or upstream proved, and another site takes for its own: sessions of TLS, connections that
// are kept, names of the listener.
import { expect } from "vitest";
import { ask, type GatewayTarget, sessionOf, shakeHands } from "./client";
import { callGrpc, grpcStatus } from "./grpc";
import { kindNamed } from "./server";
import { edgeAddresses } from "./sites-edge";
import type { GatewayTrial } from "./trial";

const versions = ["1.1", "2"] as const;

/** Declares the tests. */
export function neighbourFeatures(trial: GatewayTrial): void {
  sessionFeatures(trial);
  sharedUpstreamFeatures(trial);
  addressFeatures(trial);

  trial.test(
    ["certificate"],
    "a site without names beside one with a name: each has its certificate and its requests",
    async (context) => {
      // Traefik has one site without names for all its listeners
      const [problem] = trial.world.refusals.get("beside-any") ?? [];
      if (problem !== undefined) context.skip(problem.reason);
      const target = (name: string | undefined) => trial.secure(name, edgeAddresses.beside);
      const named = "beside-named.gw.test";
      const others = [undefined, "any.test", "other.gw.test", "a.beside-named.gw.test", "gw.test"];
      expect((await shakeHands(target(named))).subject).toBe("wild");
      for (const name of others) expect([name, (await shakeHands(target(name))).subject]).toEqual([name, "beside-any"]);
      for (const http of versions) {
        expect((await ask(target(named), { host: named, http })).echo().upstream).toBe("plain");
        expect((await ask(target(named), { host: "any.test", http })).status).toBe(421);
        expect((await ask(target(named), { host: "127.0.0.6", http })).status).toBe(421);
        for (const name of others) {
          const answer = await ask(target(name), { host: name ?? "127.0.0.6", http });
          expect([name, answer.status, answer.status === 200 && answer.echo().upstream]).toEqual([name, 200, "second"]);
          // to the named site by its host, without its handshake: refused, or answered by the site that answers all
          const mixed = await ask(target(name), { host: named, http });
          if (mixed.status !== 421) expect(mixed.echo().upstream).toBe("second");
        }
      }
    },
  );
}

/** One name on three ports: without client certificates, with those of one authority, with those of another. */
function sessionFeatures(trial: GatewayTrial): void {
  const host = "mtls.gw.test";
  for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
    trial.test(
      ["clientAuth"],
      `a session of ${maxVersion} from another port with the same name does not get past a missing certificate`,
      async () => {
        const { certificates, tlsPort, openPort, otherPort } = trial.world;
        const { client, stranger } = certificates;
        const target = (port: number, tls: object): GatewayTarget => {
          const secure = trial.secure(host);
          return { ...secure, port, tls: { ...secure.tls, maxVersion, ...tls } };
        };
        // each port answers its own clients
        for (const [port, own] of [
          [tlsPort, client],
          [otherPort, stranger],
          [openPort, {}],
        ] as const) {
          expect((await ask(target(port, own), { host })).echo().upstream).toBe("plain");
        }
        for (const [from, own, to] of [
          [openPort, {}, tlsPort],
          [openPort, {}, otherPort],
          [openPort, client, tlsPort],
          [openPort, stranger, otherPort],
          [tlsPort, client, otherPort],
          [otherPort, stranger, tlsPort],
        ] as const) {
          for (const http of versions) {
            const session = await sessionOf(target(from, own), host);
            if (session === undefined) continue;
            // once as a client without a certificate, once as one of the other authority
            for (const wrong of [{}, to === tlsPort ? stranger : client]) {
              const reached = await trial.reaching(async () => {
                const answer = await ask(target(to, { ...wrong, session }), { host, http }).catch(() => undefined);
                expect(answer === undefined || (answer.status >= 400 && answer.status < 500)).toBe(true);
              });
              expect(reached).toBe(0);
            }
          }
        }
      },
    );
  }
}

/** One upstream over TLS, of sites that verify it in different ways. */
function sharedUpstreamFeatures(trial: GatewayTrial): void {
  const unverified = [trial.server.statuses?.unverified ?? 502, 503];
  /** So many at once that connections are kept, and taken again. */
  const several = async (site: string, http: "1.1" | "2") => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => trial.ask(site, { http })));
    return answers.map(({ status, text }) => ({ status, hasContent: text.includes('"upstream"') }));
  };
  const refused = async (site: string, http: "1.1" | "2") => {
    const reached = await trial.reaching(async () => {
      for (const { status, hasContent } of await several(site, http)) {
        expect(unverified).toContain(status);
        expect(hasContent).toBe(false);
      }
    });
    expect([site, http, reached]).toEqual([site, http, 0]);
  };
  const served = async (site: string, http: "1.1" | "2") => {
    const answers = await several(site, http);
    expect(answers).toEqual(answers.map(() => ({ status: 200, hasContent: true })));
  };

  trial.test(
    ["upstreamTls"],
    "what the right root verified is not believed by a site with another root, or another name",
    async () => {
      for (const http of versions) {
        for (const site of ["wrong-root", "wrong-name", "system-roots"]) {
          await served("secure", http);
          await served("cells", http);
          await refused(site, http);
        }
      }
      await served("secure", "1.1");
    },
  );

  trial.test(["upstreamTls"], "nor when the site with the wrong one asked first", async () => {
    // no other site has this upstream
    for (const site of ["first-wrong-name", "first-wrong-root"]) {
      for (const http of versions) await refused(site, http);
    }
    for (const http of versions) {
      await served("first-right", http);
      await refused("first-wrong-root", http);
      await refused("first-wrong-name", http);
    }
  });

  trial.test(["upstreamTls", "grpc"], "nor by gRPC", async () => {
    const { certificates, tlsPort } = trial.world;
    const call = (site: string) =>
      callGrpc({ port: tlsPort, host: `${site}.gw.test`, ca: certificates.rootPem }, "Unary", "hello");
    for (const site of ["grpc-wrong-root", "grpc-wrong-name"]) {
      for (const right of ["grpcs", "cells", "grpcs"]) {
        expect((await call(right)).messages).toEqual(["echo hello"]);
        const { messages, code } = await call(site);
        expect([site, messages, code === grpcStatus.OK]).toEqual([site, [], false]);
      }
    }
  });
}

/** Certificates for an address, without a name. */
function addressFeatures(trial: GatewayTrial): void {
  trial.test(
    ["upstreamTls"],
    "an https upstream is verified by its address, or its kind says that it can't be",
    async () => {
      const { refusals, upstreams } = trial.world;
      const problems = refusals.get("by-address");
      expect(refusals.has("by-wrong-address")).toBe(problems !== undefined);
      if (problems !== undefined) {
        const [problem] = problems;
        expect(problems).toHaveLength(1);
        expect(problem?.property).toMatch(/^upstream\.(url|serverName)$/);
        expect(problem?.reason).toMatch(/address 127\.0\.0\.1\b.*names.*give .*name/is);
        return;
      }
      upstreams.secure.askedNames();
      for (const http of versions) {
        const { upstream, serverName } = (await trial.ask("by-address", { http })).echo();
        // no name of the handshake is an address (RFC 6066 section 3)
        expect({ upstream, serverName }).toEqual({ upstream: "secure", serverName: undefined });
        const reached = await trial.reaching(async () => {
          const { status } = await trial.ask("by-wrong-address", { http });
          expect([trial.server.statuses?.unverified ?? 502, 503]).toContain(status);
        });
        expect(reached).toBe(0);
      }
    },
  );

  trial.test(["upstreamTls"], "what a kind refuses of a site it refuses beside others too", async () => {
    const { refusals } = trial.world;
    const kind = kindNamed(trial.server.kind);
    const options = kind.parseOptions({ ...trial.server.options, directory: "/srv/gateway" });
    expect(await Promise.resolve(kind.checkSites(trial.world.sites, options))).toEqual([]);
    for (const [site, problems] of refusals) expect(problems.map((one) => one.site)).toEqual(problems.map(() => site));
  });
}
