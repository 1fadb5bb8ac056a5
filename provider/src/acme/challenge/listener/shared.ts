import type { Server, Socket } from "node:net";
import type { Deadline } from "../../run/deadline";
import { type Endpoint, explainOpenFailure } from "./endpoint";

/** An answer, and who still needs it. */
interface Held<Answer> {
  readonly token: string;
  readonly answer: Answer;
  readonly owners: Set<object>;
  readonly isFree: Promise<void>;
  readonly free: () => void;
}

/** Makes a server that answers by `find`; it is neither listening nor limited yet. */
export type MakeServer<Answer> = (find: (name: string) => Answer | undefined) => Server;

/** A CA asks from a handful of places for each name; what comes beyond is no CA. */
const MOST_CONNECTIONS = 500;

/**
 * The servers of one kind in this process, one for each address and port, shared by all certificates: the first answer
 * opens it, and it is closed with the last. It never keeps the process alive.
 */
export class SharedListeners<Answer> {
  readonly #open = new Map<string, OpenListener<Answer>>();
  readonly #make: MakeServer<Answer>;

  constructor(make: MakeServer<Answer>) {
    this.#make = make;
  }

  /**
   * Answers `name` with `answer` for `owner`. While another token has the name, as when two certificates of one name are
   * ordered at once, it waits for that one's end: names are to be held in one order, the alphabet's.
   * @throws TlsError ACME_CHALLENGE: the port can't be opened; ACME_TIMEOUT or ACME_ABORTED by the deadline
   */
  async hold(
    endpoint: Endpoint,
    held: { readonly name: string; readonly token: string; readonly answer: Answer; readonly owner: object },
    deadline: Deadline,
  ): Promise<void> {
    const doing = `waiting for the ${endpoint.type} answer of another certificate with the name ${held.name}`;
    for (;;) {
      const listener = this.#listenerOf(endpoint);
      const current = listener.answers.get(held.name);
      if (current === undefined || current.token === held.token) {
        // the answer is there before the port is open, so no other's end closes it in between
        addOwner(listener.answers, held, current);
        return this.#opened(endpoint, listener, held);
      }
      await untilFree(current.isFree, deadline, doing);
    }
  }

  /** Ends what `owner` held; resolves when the port is free, if that was the last. */
  async release(endpoint: Endpoint, name: string, token: string, owner: object): Promise<void> {
    const listener = this.#open.get(keyOf(endpoint));
    const current = listener?.answers.get(name);
    if (listener === undefined || current?.token !== token) return;
    current.owners.delete(owner);
    if (current.owners.size > 0) return;
    listener.answers.delete(name);
    current.free();
    if (listener.answers.size > 0) return;
    this.#open.delete(keyOf(endpoint));
    await listener.close();
  }

  #listenerOf(endpoint: Endpoint): OpenListener<Answer> {
    const known = this.#open.get(keyOf(endpoint));
    if (known !== undefined) return known;
    const answers = new Map<string, Held<Answer>>();
    const listener = new OpenListener(
      endpoint,
      answers,
      this.#make((name) => answers.get(name)?.answer),
    );
    this.#open.set(keyOf(endpoint), listener);
    return listener;
  }

  async #opened(
    endpoint: Endpoint,
    listener: OpenListener<Answer>,
    { name, token, owner }: { readonly name: string; readonly token: string; readonly owner: object },
  ): Promise<void> {
    try {
      await listener.isOpen;
    } catch (error) {
      await this.release(endpoint, name, token, owner);
      throw explainOpenFailure(endpoint, error);
    }
  }
}

/** A server with its sockets. */
class OpenListener<Answer> {
  readonly answers: Map<string, Held<Answer>>;
  readonly isOpen: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor({ port, address }: Endpoint, answers: Map<string, Held<Answer>>, server: Server) {
    this.answers = answers;
    this.#server = server;
    server.maxConnections = MOST_CONNECTIONS;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.unref();
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.isOpen = new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, ...(address === undefined ? {} : { host: address }) }, () => {
        server.off("error", reject);
        // a connection that fails in accept is the CA's to repeat
        server.on("error", () => {});
        resolve();
      });
    });
    server.unref();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}

function addOwner<Answer>(
  answers: Map<string, Held<Answer>>,
  held: { readonly name: string; readonly token: string; readonly answer: Answer; readonly owner: object },
  current: Held<Answer> | undefined,
): void {
  if (current !== undefined) {
    current.owners.add(held.owner);
    return;
  }
  const { promise, resolve } = withResolver();
  const { token, answer, owner } = held;
  answers.set(held.name, { token, answer, owners: new Set([owner]), isFree: promise, free: resolve });
}

function withResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function untilFree(isFree: Promise<void>, deadline: Deadline, doing: string): Promise<void> {
  deadline.check(doing);
  return new Promise((resolve, reject) => {
    const leave = () => reject(deadline.error(doing));
    deadline.signal.addEventListener("abort", leave, { once: true });
    void isFree.then(() => {
      deadline.signal.removeEventListener("abort", leave);
      resolve();
    });
  });
}

function keyOf({ address, port }: Endpoint): string {
  return `${address ?? ""} ${port}`;
}
