// A process with works in progress, to be ended by a signal. argv: what it does.
import { writeSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as timeout } from "node:timers/promises";
import { during } from "../../../../provider/src/acme/run/termination";

const say = (line: string) => writeSync(1, `${line}\n`);
/** Ends when it is told to, and not at once; keeps the process alive till then. */
const work = (name: string) => async (signal: AbortSignal) => {
  const alive = setInterval(() => {}, 1000);
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  say(`${name} hears: ${signal.reason.message}`);
  // longer than what is waited for in any case
  await timeout(600);
  clearInterval(alive);
  say(`${name} ends`);
};
const cleanUp = (name: string) => async () => {
  await timeout(10);
  say(`${name} is clean`);
};

const programs: Readonly<Record<string, () => Promise<void>>> = {
  works: async () => {
    void during(work("one"), cleanUp("one"));
    void during(work("two"), async () => {
      throw new Error("can't");
    });
    void during(work("three"), cleanUp("three"));
    await during(async () => {}, cleanUp("done before"));
  },
  hangs: async () => {
    void during(work("one"), async () => {
      say("one hangs");
      await new Promise(() => {});
    });
  },
  host: async () => {
    process.once("SIGTERM", () => say("the host hears"));
    void during(work("one"), cleanUp("one")).then(async () => {
      await timeout(500);
      say(`${process.listenerCount("SIGTERM")} listen`);
      process.exit(7);
    });
  },
  over: async () => {
    await during(async () => {}, cleanUp("one"));
    setInterval(() => {}, 1000);
    // the handlers go in the next turn, and libuv drops a signal that comes in that very moment
    await timeout(100);
  },
  listener: async () => {
    // never takes a connection: the thread sleeps before it looks for one, and the queue of the system is short
    const server = createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
      const address = server.address();
      say(typeof address === "object" ? `${address?.address}:${address?.port}` : "");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });
    await new Promise(() => {});
  },
};

const program = programs[process.argv[2] ?? ""];
if (program === undefined) throw new Error("no such program");
const running = program();
// what goes on for ever is ready at once
if (process.argv[2] === "over") await running;
if (process.argv[2] !== "listener") say("ready");
