// Counts what Pebble's log does not tell of: connections.
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";

/** Stands before a server on 127.0.0.1 and passes octets on as they come. */
export class ConnectionCounter {
  readonly #server: Server;
  #connections = 0;

  private constructor(target: number) {
    this.#server = createServer((client) => {
      this.#connections += 1;
      const server = connect(target, "127.0.0.1");
      client.setNoDelay(true).pipe(server.setNoDelay(true)).pipe(client);
      client.on("error", () => server.destroy());
      server.on("error", () => client.destroy());
    });
    this.#server.unref();
  }

  static async start(port: number, target: number): Promise<ConnectionCounter> {
    const counter = new ConnectionCounter(target);
    await once(counter.#server.listen(port, "127.0.0.1"), "listening");
    return counter;
  }

  /** How many since the last call. */
  take(): number {
    const count = this.#connections;
    this.#connections = 0;
    return count;
  }

  stop(): void {
    this.#server.close();
  }
}
