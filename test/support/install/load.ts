// Guards: reloads that lose requests. Clients that go on asking over TLS, some on connections that are kept, some on a new one
// for each request; each verifies chain and name, and counts what it got.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import type { TLSSocket } from "node:tls";

/** Who is asked. */
export interface LoadTarget {
  readonly port: number;
  readonly host: string;
  readonly rootPem: string;
  /** Whether a reload may close new connections before their request is read; clients connect again. */
  readonly resetsWaiting: boolean;
}

/** What the clients came to. */
interface LoadCount {
  /** Whole answers on new connections, and on kept ones. */
  readonly anew: number;
  readonly kept: number;
  /** Kept connections that the server had closed between two requests. */
  readonly reopened: number;
  /** New connections that were closed before any octet of an answer; zero unless `resetsWaiting`. */
  readonly reset: number;
  /** Why requests had no whole answer of the upstream. */
  readonly failures: readonly string[];
  /** PEM texts of the certificates that new connections showed. */
  readonly certificates: ReadonlySet<string>;
}

/** Clients at work. */
export interface Load {
  /** What they came to so far. */
  readonly count: LoadCount;
  /** Ends them after their answers. */
  readonly stop: () => Promise<LoadCount>;
}

/** Octets of an answer: more than a socket takes at once. */
const SIZE = 300_000;
/** Milliseconds between two requests of a client: servers and scripts share the machine with them. */
const PACE = 5;

/** Starts two clients of each sort. */
export function startLoad(target: LoadTarget): Load {
  const count = { anew: 0, kept: 0, reopened: 0, reset: 0, failures: [] as string[], certificates: new Set<string>() };
  let isOn = true;
  const client = async (sort: "anew" | "kept") => {
    const agent = sort === "kept" ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (isOn) {
      try {
        const { pem, again } = await askWhole(target, agent);
        count[sort]++;
        if (again !== undefined) count[again]++;
        if (sort === "anew") count.certificates.add(pem);
      } catch (error) {
        count.failures.push(`${sort}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await pause(PACE);
    }
    if (agent !== false) agent.destroy();
  };
  const clients = (["anew", "anew", "kept", "kept"] as const).map(client);
  return {
    count,
    stop: async () => {
      isOn = false;
      await Promise.all(clients);
      return count;
    },
  };
}

interface Answered {
  readonly pem: string;
  /** Why it was asked twice. */
  readonly again?: "reopened" | "reset";
}

async function askWhole(target: LoadTarget, agent: Agent | false): Promise<Answered> {
  try {
    return await askOnce(target, agent);
  } catch (error) {
    // the server closed the connection while the request was on its way to it: clients ask again (RFC 9112 section 9.3.1)
    if (!(error instanceof ClosedBetween) || (error.again === "reset" && !target.resetsWaiting)) throw error;
    return { ...(await askOnce(target, agent)), again: error.again };
  }
}

/** A kept connection that ended before any octet of an answer, or a new one that did before it was there. */
class ClosedBetween extends Error {
  constructor(
    readonly again: "reopened" | "reset",
    cause: unknown,
  ) {
    super(`the connection was closed: ${again}`, { cause });
  }
}

async function askOnce({ port, host, rootPem }: LoadTarget, agent: Agent | false): Promise<Answered> {
  const sent = request({
    ...{ host: "127.0.0.1", port, servername: host, ca: rootPem, agent },
    headers: { host: `${host}:${port}`, "x-answer": JSON.stringify({ size: SIZE }) },
  });
  sent.end();
  let response: IncomingMessage;
  try {
    [response] = (await once(sent, "response")) as [IncomingMessage];
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (["ECONNRESET", "EPIPE"].includes(code))
      throw new ClosedBetween(sent.reusedSocket ? "reopened" : "reset", error);
    throw error;
  }
  // asked for at once: an answer that is read gives its socket back
  const pem = (response.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? "";
  let length = 0;
  for await (const part of response) length += (part as Buffer).length;
  if (response.statusCode !== 200 || length !== SIZE) throw new Error(`${response.statusCode}, ${length} octets`);
  return { pem };
}
