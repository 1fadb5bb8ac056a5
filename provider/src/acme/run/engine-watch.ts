import { connect } from "node:net";
import { TlsError } from "../../errors";

/** Notices that the engine is gone. */
export interface EngineWatch {
  /** @throws TlsError ACME_ORPHANED when nobody listens at the engine's address; the signal's reason when it aborts */
  checkAlive(signal?: AbortSignal): Promise<void>;
}

/** A loopback connection takes a tenth of a millisecond; an engine that is busy may take longer, and lives. */
const MOST_MILLISECONDS = 1000;

/**
 * Watches the engine by its address, `host:port`. Pulumi starts the process of dynamic providers with the address of its
 * engine as first argument (`process.argv[2]`). When the CLI is killed this process lives on, and only that address,
 * which refuses connections then, tells of it. Without an address, or with what is none (tests, other hosts), the engine is
 * taken to be alive, as it is after any other failure than a refusal.
 */
export function createEngineWatch(address: string | undefined): EngineWatch {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(address ?? "") ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535 || Number(port) === 0) {
    return { checkAlive: async (signal) => signal?.throwIfAborted() };
  }
  let asked: Promise<boolean> | undefined;
  return {
    async checkAlive(signal) {
      signal?.throwIfAborted();
      // many certificates at once ask together
      asked ??= isRefused(host, Number(port)).finally(() => {
        asked = undefined;
      });
      const refused = await asked;
      signal?.throwIfAborted();
      if (!refused) return;
      throw new TlsError(
        "ACME_ORPHANED",
        `the run that started this one is gone: Pulumi's engine at ${address} refuses connections. It stops here, between two steps.`,
        { hint: "Run `pulumi up` again: it goes on with the same order." },
      );
    },
  };
}

/** Connects and closes; bounded. Never rejects. */
function isRefused(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (refused: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(refused);
    };
    const timer = setTimeout(() => end(false), MOST_MILLISECONDS);
    socket.once("connect", () => end(false));
    // stays, so that an error after the end is heard of and harms nobody
    socket.on("error", (error) => end("code" in error && error.code === "ECONNREFUSED"));
  });
}
