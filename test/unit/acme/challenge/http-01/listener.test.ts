import { once } from "node:events";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHttpListenerSolver } from "../../../../../provider/src/acme/challenge/http-01/listener";
import type { ChallengeTask } from "../../../../../provider/src/acme/challenge/solver";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import { isTlsError, type TlsError } from "../../../../../provider/src/errors";
import { freePorts } from "../../../../support/ports";
import { until } from "../../../../support/until";

const address = "127.0.0.1";
let port: number;
let deadline: Deadline;

beforeEach(async () => {
  [port = 0] = await freePorts(1);
  deadline = new Deadline(60, systemClock);
});
afterEach(() => deadline.dispose());

const task = (token: string): ChallengeTask => ({
  identifier: { type: "dns", value: "www.example.test" },
  isWildcard: false,
  token,
  keyAuthorization: `${token}.thumbprint`,
});
const solver = () => createHttpListenerSolver({ type: "http-01", port, address });

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

function ask(path: string, method = "GET", host = address): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.once("end", () => resolve({ status: response.statusCode, body, headers: response.headers }));
    });
    asked.once("error", reject).end();
  });
}

const isClosed = () =>
  ask("/").then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
  );

async function failure(work: Promise<void>): Promise<TlsError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTlsError(error)) throw new Error(`no TlsError but ${String(error)}`);
  return error;
}

describe("the http-01 listener", () => {
  it("answers known tokens and nothing else, as text that no browser takes for a page", async () => {
    const one = solver();
    await one.present([task("one")], deadline);
    const found = await ask("/.well-known/acme-challenge/one");
    expect([found.status, found.body]).toEqual([200, "one.thumbprint"]);
    expect(found.headers).toMatchObject({
      "content-type": "text/plain",
      "x-content-type-options": "nosniff",
      "content-length": "14",
      connection: "close",
    });
    expect(await ask("/.well-known/acme-challenge/one?x=1")).toMatchObject({ status: 200 });
    const head = await ask("/.well-known/acme-challenge/one", "HEAD");
    expect([head.status, head.body, head.headers["content-length"]]).toEqual([200, "", "14"]);
    for (const path of [
      "/",
      "/one",
      "/.well-known/acme-challenge/",
      "/.well-known/acme-challenge/two",
      "/.well-known/acme-challenge/one/",
      "/.well-known/acme-challenge/__proto__",
    ]) {
      expect(await ask(path), path).toMatchObject({ status: 404, body: "" });
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      expect(await ask("/.well-known/acme-challenge/one", method)).toMatchObject({
        status: 405,
        headers: { allow: "GET, HEAD" },
      });
    }
    await one.cleanUp([task("one")]);
    expect(await isClosed()).toBe(true);
  });

  it("is shared by certificates, also for one token, and closed by the last, and can be opened again", async () => {
    const [one, two] = [solver(), solver()];
    await Promise.all([
      one.present([task("one"), task("shared")], deadline),
      two.present([task("two"), task("shared")], deadline),
      one.present([task("one")], deadline),
    ]);
    await one.cleanUp([task("one"), task("shared")]);
    await one.cleanUp([task("one"), task("shared")]);
    expect(await ask("/.well-known/acme-challenge/one")).toMatchObject({ status: 404 });
    expect(await ask("/.well-known/acme-challenge/shared")).toMatchObject({ status: 200 });
    await two.cleanUp([task("one"), task("shared"), task("two")]);
    expect(await isClosed()).toBe(true);
    for (let round = 0; round < 20; round += 1) {
      const closing = Promise.all([two.present([task("x")], deadline), one.present([task("y")], deadline)]).then(() =>
        Promise.all([two.cleanUp([task("x")]), one.cleanUp([task("y")])]),
      );
      await closing;
    }
    expect(await isClosed()).toBe(true);
  });

  it("closes at once whatever is connected, and lets go who sends nothing", async () => {
    const one = solver();
    await one.present([task("one")], deadline);
    const idle = connect(port, address);
    await once(idle, "connect");
    await one.cleanUp([task("one")]);
    await once(idle, "close");
    expect(await isClosed()).toBe(true);
  });

  it("listens on IPv4 and IPv6 when no address is given", async () => {
    const one = createHttpListenerSolver({ type: "http-01", port });
    await one.present([task("one")], deadline);
    const path = "/.well-known/acme-challenge/one";
    expect(await ask(path)).toMatchObject({ status: 200 });
    await ask(path, "GET", "::1").then(
      ({ status }) => expect(status).toBe(200),
      // a machine without IPv6
      (error: NodeJS.ErrnoException) => expect(error.code).toMatch(/EADDRNOTAVAIL|EAFNOSUPPORT|ECONNREFUSED/),
    );
    await one.cleanUp([task("one")]);
  });

  it("says what to do when the port is taken, and serves as soon as it is free", async () => {
    const other = createServer().listen(port, address);
    await once(other, "listening");
    const one = solver();
    const [first, second] = await Promise.all([
      failure(one.present([task("one")], deadline)),
      failure(solver().present([task("two")], deadline)),
    ]);
    expect(first.message).toBe(
      `ACME_CHALLENGE: opening port ${port} of the address ${address} for http-01: another program listens there (EADDRINUSE). ` +
        `Hint: See which with "ss -ltnp sport = :${port}"; then give another port and have what listens on port 80 pass ` +
        "/.well-known/acme-challenge/ on to it (proxy, no redirect), or give the webroot of that server.",
    );
    expect(second.code).toBe("ACME_CHALLENGE");
    await new Promise((resolve) => other.close(resolve));
    await one.present([task("one")], deadline);
    expect(await ask("/.well-known/acme-challenge/one")).toMatchObject({ status: 200 });
    await one.cleanUp([task("one")]);
  });

  it("says so when the machine has no such address, and when its time is over", async () => {
    const { reason } = await failure(
      createHttpListenerSolver({ type: "http-01", port, address: "192.0.2.77" }).present([task("one")], deadline),
    );
    expect(reason).toContain("this machine has no such address (EADDRNOTAVAIL)");
    const over = new Deadline(0, systemClock);
    expect((await failure(solver().present([task("one")], over))).code).toBe("ACME_TIMEOUT");
    over.dispose();
    expect(await isClosed()).toBe(true);
  });

  it("does not keep the process alive, nor does who is connected", async () => {
    const alive = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
    await until(() => alive() === 0);
    const one = solver();
    await one.present([task("one")], deadline);
    expect(alive()).toBe(0);
    const idle = connect(port, address);
    await once(idle, "connect");
    idle.unref();
    await ask("/.well-known/acme-challenge/one");
    await until(() => alive() === 0);
    await one.cleanUp([task("one")]);
  });

  it("takes no token that is no token", async () => {
    expect((await failure(solver().present([task("../x")], deadline))).code).toBe("ACME_CHALLENGE");
    expect(await isClosed()).toBe(true);
  });
});
