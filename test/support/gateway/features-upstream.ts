// Guards: an upstream that is believed without proof, bodies that are cut or held back, errors that stay hidden.
import { PassThrough, Readable } from "node:stream";
import { expect } from "vitest";
import { ask, type GatewayAnswer } from "./client";
import { callGrpc, grpcStatus } from "./grpc";
import type { GatewayTrial } from "./trial";

const versions = ["1.1", "2"] as const;
const MiB = 1024 * 1024;

/** Declares the tests. */
export function upstreamFeatures(trial: GatewayTrial): void {
  trial.test(["upstream"], "method, path, query and body reach the upstream as they were sent", async () => {
    for (const http of versions) {
      const path = "/a%20b/c.d;e=f/%C3%A9?x=%2F&y=%26+z&&/../";
      const answer = await trial.ask("a", { http, method: "PUT", path, body: Buffer.alloc(70_000, "x") });
      const { method, url, bodyLength } = answer.echo();
      expect({ method, url, bodyLength }).toEqual({ method: "PUT", url: path, bodyLength: 70_000 });
      for (const status of [204, 301, 404, 418, 500, 503]) {
        // the upstream knows its host and scheme, so that what it answers needs no correction
        const location = `http://127.0.0.1:${trial.world.upstreams.plain.port}/x?y`;
        const answered = await trial.ask("a", { http, answer: { status, headers: [["Location", location]] } });
        expect([answered.status, ...answered.all("location")]).toEqual([status, location]);
      }
    }
  });

  trial.test(["upstream"], "an upstream that is not there is answered 502 or 503", async () => {
    for (const http of versions) expect([502, 503]).toContain((await trial.ask("down", { http })).status);
  });

  trial.test(["upstream"], "an upstream can't have the gateway answer with something else", async () => {
    for (const name of ["X-Accel-Redirect", "X-Sendfile", "X-Reproxy-URL", "X-Lighttpd-Send-File"]) {
      const answer = await trial.ask("a", { path: "/own", answer: { headers: [[name, "/etc/hostname"]] } });
      expect([name, answer.status, answer.echo().url]).toEqual([name, 200, "/own"]);
    }
  });

  verificationFeatures(trial);

  trial.test(["upstreamH2c"], "an h2c upstream gets every request as HTTP/2", async () => {
    for (const http of versions) {
      const answer = await trial.ask("h2c", { http, method: "POST", path: "/x?y", body: Buffer.from("four") });
      const { upstream, httpVersion, url, bodyLength, headers } = answer.echo();
      expect(headers).toContainEqual(["host", `h2c.gw.test:${trial.world.tlsPort}`]);
      expect({ upstream, httpVersion, url, bodyLength }).toEqual({
        upstream: "h2c",
        httpVersion: "2.0",
        url: "/x?y",
        bodyLength: 4,
      });
    }
    expect((await trial.ask("h2c", { answer: { size: MiB } })).length).toBe(MiB);
  });

  for (const [site, upstream] of [
    ["grpc", "h2c"],
    ["grpcs", "TLS"],
  ] as const) {
    trial.test(site === "grpc" ? ["grpc"] : ["grpc", "upstreamTls"], `gRPC passes over ${upstream}`, () =>
      checkGrpc(trial, site),
    );
  }

  trial.test(
    ["grpc", "upstreamTls"],
    "gRPC over TLS goes to an upstream with the right root and name alone",
    async () => {
      const { certificates, tlsPort, upstreams } = trial.world;
      const call = (site: string) =>
        callGrpc({ port: tlsPort, host: `${site}.gw.test`, ca: certificates.rootPem }, "Unary", "hello");
      for (const site of ["grpc-wrong-root", "grpc-wrong-name"]) {
        const { messages, code } = await call(site);
        expect([site, messages, code === grpcStatus.OK]).toEqual([site, [], false]);
      }
      upstreams.secure.askedNames();
      expect((await call("cells")).code).toBe(grpcStatus.OK);
      // a connection that is there already asked before
      expect([[], ["app.internal"]]).toContainEqual(upstreams.secure.askedNames());
    },
  );

  trial.test(["grpc"], "requests that are no gRPC go to the same upstream as HTTP/1.1", async () => {
    for (const http of versions) {
      const { httpVersion } = (await trial.ask("grpc", { http, headers: [["Content-Type", "text/plain"]] })).echo();
      expect(httpVersion).toBe("1.1");
    }
  });

  bodyFeatures(trial);
  cellsFeatures(trial);

  trial.test(["timeouts"], "an upstream that does not answer in time is answered 504", async () => {
    for (const http of versions) {
      const answer = await trial.ask("impatient", { http, answer: { hang: true } });
      expect(answer.status).toBe(trial.server.statuses?.slow ?? 504);
    }
    expect((await trial.ask("impatient")).status).toBe(200);
  });
}

function verificationFeatures(trial: GatewayTrial): void {
  trial.test(
    ["upstreamTls"],
    "an https upstream is verified by its root and name, and asked for that name",
    async () => {
      for (const http of versions) {
        const { upstream, serverName } = (await trial.ask("secure", { http })).echo();
        expect({ upstream, serverName }).toEqual({ upstream: "secure", serverName: "app.internal" });
      }
    },
  );

  for (const [site, what] of Object.entries({
    "wrong-root": "of another root",
    "wrong-name": "for another name",
    "system-roots": "of a root that the system does not know",
  })) {
    trial.test(["upstreamTls"], `an https upstream with a certificate ${what} gets no request`, async () => {
      const reached = await trial.reaching(async () => {
        const expected = [trial.server.statuses?.unverified ?? 502, 503];
        for (const http of versions) expect(expected).toContain((await trial.ask(site, { http })).status);
        await expect(trial.ask(site, { answer: { size: 10 } })).resolves.toMatchObject({
          text: expect.not.stringMatching(/xxxx/),
        });
      });
      expect(reached).toBe(0);
    });
  }
}

async function checkGrpc(trial: GatewayTrial, site: string): Promise<void> {
  const { certificates, tlsPort } = trial.world;
  const target = { port: tlsPort, host: `${site}.gw.test`, ca: certificates.rootPem };
  const ok = { code: grpcStatus.OK, trailer: "sent" };
  expect(await callGrpc(target, "Unary", "hello")).toMatchObject({ ...ok, messages: ["echo hello"] });
  expect(await callGrpc(target, "Stream", "")).toMatchObject({ ...ok, messages: ["one", "two", "three"] });
  expect(await callGrpc(target, "Fail", "")).toEqual({
    messages: [],
    code: grpcStatus.NOT_FOUND,
    details: "no such thing",
    trailer: "sent",
  });
  const large = "x".repeat(2 * MiB);
  expect((await callGrpc(target, "Unary", large)).messages[0]?.length).toBe(large.length + 5);
}

function bodyFeatures(trial: GatewayTrial): void {
  const limits = { body: 1000, "large-body": MiB };
  const send = (site: string, size: number, http: "1.1" | "2", isChunked = false): Promise<GatewayAnswer> => {
    const body = isChunked ? Readable.from(chunks(size)) : Buffer.alloc(size, "x");
    return trial.ask(site, { http, method: "POST", body });
  };
  /** A client that goes on sending may find the connection gone before it reads the answer. */
  const outcome = (answer: Promise<GatewayAnswer>): Promise<number | "cut"> =>
    answer.then(
      ({ status }) => status,
      () => "cut",
    );

  /** A server that closes after an early answer may take the answer with it (RFC 9112 section 9.6): then once more. */
  const expectRefused = async (request: () => Promise<GatewayAnswer>): Promise<void> => {
    let answer: number | "cut" = "cut";
    for (let tries = 0; tries < 20 && answer === "cut"; tries++) answer = await outcome(request());
    expect(answer).toBe(413);
  };

  for (const [site, limit] of Object.entries(limits)) {
    trial.test(
      ["maxBodyBytes"],
      `a body of ${limit} octets, the largest allowed, passes; one more is 413`,
      async () => {
        for (const http of versions) {
          for (const isChunked of [false, true]) {
            expect((await send(site, limit, http, isChunked)).echo().bodyLength).toBe(limit);
          }
          const before = trial.world.upstreams.plain.whole();
          await expectRefused(() => send(site, limit + 1, http));
          expect([413, "cut"]).toContain(await outcome(send(site, 3 * MiB, http)));
          expect(trial.world.upstreams.plain.whole()).toBe(before);
        }
      },
    );

    trial.test(["maxBodyBytes"], `a body in chunks is ended beyond ${limit} octets`, async (context) => {
      const notes = trial.world.gateway.notes.filter((text) => /content-length alone/i.test(text));
      const note = notes.find((text) => text.includes(`"${site}"`));
      if (note !== undefined) context.skip(note);
      for (const http of versions) {
        const before = trial.world.upstreams.plain.whole();
        if (site === "body") await expectRefused(() => send(site, limit + 1, http, true));
        expect([413, "cut"]).toContain(await outcome(send(site, limit + 200_000, http, true)));
        expect(trial.world.upstreams.plain.whole()).toBe(before);
      }
    });
  }

  trial.test(["upstream"], "without a limit a body of 5 MiB passes", async () => {
    for (const http of versions) {
      const body = Buffer.alloc(5 * MiB, "x");
      expect((await trial.ask("a", { http, method: "POST", body })).echo().bodyLength).toBe(body.length);
    }
    const chunked = await trial.ask("a", { method: "POST", body: Readable.from(chunks(5 * MiB)) });
    expect(chunked.echo().bodyLength).toBe(5 * MiB);
  });
}

/** Pydio Cells: large files both ways as they come, gRPC of CellsSync, names with slashes in them. */
function cellsFeatures(trial: GatewayTrial): void {
  trial.test(["upstreamTls"], "Cells gets 20 MiB in chunks, and sends them", async () => {
    const size = 20 * MiB;
    for (const http of versions) {
      const up = await trial.ask("cells", { http, method: "PUT", path: "/io/big", body: Readable.from(chunks(size)) });
      expect(up.echo()).toMatchObject({ upstream: "secure", bodyLength: size, serverName: "app.internal" });
      expect((await trial.ask("cells", { http, answer: { size } })).length).toBe(size);
    }
  });

  trial.test(["upstreamTls"], "Cells gets the parts of a body as they come", async () => {
    for (const http of versions) {
      const body = new PassThrough();
      const arrived = trial.world.upstreams.secure.partArrived();
      const answer = trial.ask("cells", { http, method: "PUT", body });
      body.write(Buffer.alloc(1000, "x"));
      // a proxy that holds the body back would wait for its end, which waits for this
      expect(await arrived).toBe(1000);
      body.end(Buffer.alloc(1000, "x"));
      expect((await answer).echo().bodyLength).toBe(2000);
    }
  });

  trial.test(["upstreamTls"], "the parts of an answer of Cells come as it sends them", async () => {
    const { upstreams } = trial.world;
    for (const http of versions) {
      const onPart = (text: string) => {
        if (text === "first") upstreams.secure.release();
      };
      const answer = await trial.ask("cells", { http, answer: { halves: true }, onPart });
      expect(answer.text).toBe("firstsecond");
    }
  });

  trial.test(["upstreamTls"], "slashes in percent-encoding, and dots, reach Cells untouched", async () => {
    for (const http of versions) {
      for (const path of ["/io/a%2Fb/c%2fd?x=%2F", "/a%20b%25c", "/io/a%5Cb", "/a//b"]) {
        const answer = await trial.ask("cells", { http, path });
        const spelt = trial.server.differs?.spelling(path) ?? path;
        expect([path, answer.status, answer.status === 200 && answer.echo().url]).toEqual([path, 200, spelt]);
      }
    }
  });

  trial.test(["upstreamTls"], "errors of Cells pass as they are", async () => {
    for (const status of [400, 404, 500, 502, 503]) {
      const answer = await trial.ask("cells", { answer: { status } });
      expect([answer.status, answer.echo().upstream]).toEqual([status, "secure"]);
    }
  });

  trial.test(["upstreamTls", "grpc"], "gRPC reaches Cells without being asked for", () => checkGrpc(trial, "cells"));

  trial.test(["upstreamTls"], "Cells gets the host as it was sent, and https", async () => {
    const host = `cells.gw.test:${trial.world.tlsPort}`;
    const { headers } = (await ask(trial.secure("cells.gw.test"), { host })).echo();
    expect(headers).toContainEqual(["host", host]);
    expect(headers).toContainEqual(["x-forwarded-proto", "https"]);
  });
}

/** A body in parts of at most 64 KiB. */
function* chunks(size: number): Generator<Buffer> {
  for (let sent = 0; sent < size; sent += 65_536) yield Buffer.alloc(Math.min(65_536, size - sent), "x");
}
