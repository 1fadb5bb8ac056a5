// The engine is a real listener, or a process that is killed; signals go to real processes.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createEngineWatch } from "../../../../provider/src/acme/run/engine-watch";
import { during } from "../../../../provider/src/acme/run/termination";
import { freePorts } from "../../../support/ports";
import { until } from "../../../support/until";
import { TestProcess } from "../child-process";

async function listen(host = "127.0.0.1"): Promise<{ server: Server; address: string; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.resume();
  });
  server.listen(0, host);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  onTestFinished(() => {
    server.close();
  });
  const address = host.includes(":") ? `[${host}]:${bound.port}` : `${host}:${bound.port}`;
  return { server, address, connections: () => connections };
}

function start(program: string): TestProcess {
  const child = new TestProcess("run/termination-process.ts", [program]);
  onTestFinished(async () => {
    await child.kill();
  });
  return child;
}

describe("createEngineWatch", () => {
  it.each(["127.0.0.1", "::1"])("finds an engine that listens at %s alive, and leaves no connection", async (host) => {
    const { server, address, connections } = await listen(host);
    const watch = createEngineWatch(address);
    await watch.checkAlive();
    await watch.checkAlive(new AbortController().signal);
    await until(() => connections() === 2);
    // hangs while one is open
    server.close();
    await once(server, "close");
    expect(connections()).toBe(2);
  });

  it("throws when the engine's address refuses connections, and says what to do", async () => {
    const [port] = await freePorts(1);
    const address = `127.0.0.1:${port}`;
    await expect(createEngineWatch(address).checkAlive()).rejects.toThrow(
      `ACME_ORPHANED: the run that started this one is gone: Pulumi's engine at ${address} refuses connections. It stops here, between two steps. Hint: Run \`pulumi up\` again: it goes on with the same order.`,
    );
  });

  it("notices that a process with the address was killed, and not that it is stopped", async () => {
    const engine = start("listener");
    const address = await engine.line();
    const watch = createEngineWatch(address);
    await watch.checkAlive();
    engine.child.kill("SIGSTOP");
    await watch.checkAlive();
    await engine.kill();
    await expect(watch.checkAlive()).rejects.toThrow("ACME_ORPHANED");
  });

  it.runIf(process.platform === "linux")("takes an engine that does not answer within a second for alive", async () => {
    const address = await start("listener").line();
    const port = Number(address.split(":")[1]);
    // Linux takes one connection more than the backlog or two, and leaves the others without an answer
    const sockets = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => {}));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    await until(() => unacceptedAt(port) > 1);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    let isAnswered = false;
    const asked = createEngineWatch(address)
      .checkAlive()
      .then(() => {
        isAnswered = true;
      });
    vi.advanceTimersByTime(999);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    vi.advanceTimersByTime(1);
    await asked;
  });

  it.each([
    ["no address", undefined],
    ["an empty one", ""],
    ["a command", "run"],
    ["a path", "/some/where:80"],
    ["a host alone", "127.0.0.1"],
    ["a port alone", ":80"],
    ["port 0", "127.0.0.1:0"],
    ["a port beyond the last", "127.0.0.1:65536"],
    ["a name that nobody has", "nowhere.invalid:1"],
  ])("takes the engine for alive with %s", async (_what, address) => {
    await createEngineWatch(address).checkAlive();
  });

  it("ends with the signal's reason", async () => {
    const { address } = await listen();
    for (const watch of [createEngineWatch(address), createEngineWatch(undefined)]) {
      await expect(watch.checkAlive(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    }
    const controller = new AbortController();
    const asked = createEngineWatch(address).checkAlive(controller.signal);
    controller.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  it("asks once for all who ask at the same time", async () => {
    const { address } = await listen();
    const watch = createEngineWatch(address);
    let opened = 0;
    const count = () => {
      opened += 1;
    };
    subscribe("net.client.socket", count);
    onTestFinished(() => {
      unsubscribe("net.client.socket", count);
    });
    await Promise.all(Array.from({ length: 200 }, () => watch.checkAlive()));
    await watch.checkAlive();
    expect(opened).toBe(2);
  });
});

describe("during", () => {
  const listeners = () => [process.listenerCount("SIGINT"), process.listenerCount("SIGTERM")];

  it("gives what the work gives, and listens for signals only meanwhile", async () => {
    const before = listeners();
    let meanwhile: number[] = [];
    const inner = async () => {
      meanwhile = listeners();
      return 5;
    };
    const clean = async () => {
      throw new Error("not called");
    };
    expect(await during(() => during(inner, clean), clean)).toBe(5);
    expect(meanwhile).toEqual(before.map((count) => count + 1));
    await expect(during(() => Promise.reject(new Error("failed")), clean)).rejects.toThrow("failed");
    await new Promise((resolve) => setImmediate(resolve));
    expect(listeners()).toEqual(before);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "cleans up at %s, lets each work come to its end, and the process then ends by it",
    async (signal) => {
      const child = start("works");
      await child.line();
      child.child.kill(signal);
      const lines: string[] = [];
      for (let count = 0; count < 8; count += 1) lines.push(await child.line());
      const names = ["one", "two", "three"];
      expect(lines.sort()).toEqual(
        [
          ...names.flatMap((name) => [`${name} ends`, `${name} hears: the process was ended by ${signal}`]),
          "one is clean",
          "three is clean",
        ].sort(),
      );
      expect(await child.ended).toBe(signal);
    },
  );

  it("ends the process at a second signal at once", async () => {
    const child = start("hangs");
    await child.line();
    child.child.kill("SIGTERM");
    expect(await child.line()).toMatch(/^one h/);
    child.child.kill("SIGINT");
    expect(await child.ended).toBe("SIGINT");
  });

  it("does not wait for ever for a clean-up that hangs", async () => {
    const child = start("hangs");
    await child.line();
    child.child.kill("SIGTERM");
    expect(await child.ended).toBe("SIGTERM");
  });

  it("leaves the end to a host that listens too", async () => {
    const child = start("host");
    await child.line();
    child.child.kill("SIGTERM");
    const lines = [];
    for (let count = 0; count < 5; count += 1) lines.push(await child.line());
    expect(lines).toContain("the host hears");
    expect(lines).toContain("one is clean");
    expect(lines.at(-1)).toBe("0 listen");
    expect(await child.ended).toBe(7);
  });

  it("changes nothing when no work is left", async () => {
    const child = start("over");
    await child.line();
    child.child.kill("SIGINT");
    expect(await child.ended).toBe("SIGINT");
    expect(await child.line()).toMatch(/^ended \(SIGINT\)/);
  });
});

/** How many connections to a port of 127.0.0.1 wait there to be accepted; Linux answers no more when its queue is full. */
function unacceptedAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  const listener = sockets.find(([, address, , state]) => address === local && state === "0A");
  return Number.parseInt(listener?.[4]?.split(":")[1] ?? "0", 16);
}
