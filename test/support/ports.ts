// Guards: two tests that take the same port. A server that is another program has to be given its port before it starts, so
// the port must stay free until then, whatever else runs on this machine at the same time.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";

/** Below every range that systems use for outgoing connections and for port 0: those never take one of ours. */
const FIRST = 10_000;
/** Where the range of IANA (RFC 6335 section 6) begins, for systems that do not publish their own. */
const EPHEMERAL = 49_152;
/** Vitest numbers its concurrent workers from 1 (VITEST_POOL_ID); each has a block of its own. */
const BLOCKS = 16;

const size = Math.floor((firstEphemeralPort() - FIRST) / BLOCKS);
const block = FIRST + (Number(process.env.VITEST_POOL_ID ?? 0) % BLOCKS) * size;
/** Two test runs at once begin at different places of a block. */
let next = process.pid % size;

/**
 * Ports that are free for TCP and UDP, all different, and that this worker gives to nobody else until it has gone once
 * through its block.
 */
export async function freePorts(count: number, address = "127.0.0.1"): Promise<readonly number[]> {
  const found: number[] = [];
  for (let tries = 0; found.length < count; tries++) {
    if (tries === size) throw new Error(`no ${count} ports are free between ${block} and ${block + size}`);
    const port = block + next;
    next = (next + 1) % size;
    if (await isFree(port, address)) found.push(port);
  }
  return found;
}

async function isFree(port: number, address: string): Promise<boolean> {
  const tcp = createServer();
  const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
  try {
    await once(tcp.listen(port, address), "listening");
    await once(udp.bind(port, address), "listening");
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return false;
    throw error;
  } finally {
    await Promise.all([tcp.listening && once(tcp.close(), "close"), once(udp.close(), "close")]);
  }
}

function firstEphemeralPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split("\t")[0]);
  } catch {
    return EPHEMERAL;
  }
}
