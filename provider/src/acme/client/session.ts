import { isTlsError, TlsError } from "../../errors";
import { type AcmeClock, type Deadline, systemClock } from "../run/deadline";
import { type AcmeDirectory, parseDirectory } from "./directory";
import { readClockOffset } from "./headers";
import { type AccountKey, signJws } from "./jws";
import { isBadNonce, NoncePool, nonceOf } from "./nonces";
import { explainAnswer, readAnsweredProblem } from "./problem";
import { decideRetry, type Outcome, type Tries } from "./retry";
import { type AcmeRequest, type AcmeResponse, type AcmeTransport, MOST_CONNECTIONS } from "./transport";
import { parseLink } from "./url";

/** The endpoints that CAs limit apart from each other; `other` is every further one (orders, authorizations, …). */
export type RequestKind = "nonce" | "account" | "order" | "revoke" | "renewal-info" | "directory" | "other";

/** Waits for a place for one request. @throws the signal's reason when it aborts */
export type Throttle = (kind: RequestKind, signal: AbortSignal) => Promise<void>;

export interface SessionOptions {
  readonly directoryUrl: string;
  /** Where the CA's links may lead, beside the directory's origin. */
  readonly linkOrigins?: readonly string[];
  /** Absent where nothing is signed. */
  readonly key?: AccountKey;
  readonly transport: AcmeTransport;
  readonly clock?: AcmeClock;
  /** Waits for a place under the CA's limits per second, before each request. */
  readonly throttle?: Throttle;
}

export interface GetOptions {
  /** Begins every message: "reading the order for example.com". */
  readonly doing: string;
  readonly deadline: Deadline;
  readonly accept?: string;
}

export interface PostOptions extends GetOptions {
  /** The account's URL; absent: the key itself is sent. */
  readonly kid?: string;
}

/** The part of a session that needs no key: what a CA tells anybody. */
export type UnsignedSession = Pick<AcmeSession, "clock" | "directory" | "get">;

/**
 * Requests of one account key at one CA. They share connections, nonces and the directory; every request is tried again
 * where that makes sense (see `retry.ts`), within its deadline.
 */
export class AcmeSession {
  readonly directoryUrl: string;
  readonly clock: AcmeClock;
  readonly #options: SessionOptions;
  #nonces = new NoncePool(MOST_CONNECTIONS);
  #directory: AcmeDirectory | undefined;
  #clockOffsetSeconds: number | undefined;
  #asking: Promise<AcmeDirectory> | undefined;

  constructor(options: SessionOptions) {
    const { directoryUrl, clock = systemClock } = options;
    [this.directoryUrl, this.clock, this.#options] = [directoryUrl, clock, options];
  }

  /** @throws TypeError for a session without a key, which callers know as an {@link UnsignedSession} */
  get key(): AccountKey {
    const { key } = this.#options;
    if (key === undefined) throw new TypeError("a session without a key signs nothing");
    return key;
  }

  /**
   * Reads a link of the CA, relative to `base` if it is.
   * @throws TlsError ACME_PROTOCOL: it leads to where the CA's links may not
   */
  readLink(text: string, what: string, base?: string): string {
    return parseLink(text, what, this.#options, base).href;
  }

  /** A session of another key at the same CA. */
  withKey(key: AccountKey): AcmeSession {
    const other = new AcmeSession({ ...this.#options, key });
    // neither belongs to a key
    [other.#directory, other.#nonces] = [this.#directory, this.#nonces];
    other.#clockOffsetSeconds = this.#clockOffsetSeconds;
    return other;
  }

  /** By how much the CA's clock is ahead of ours, as it was when the directory was asked; undefined: not told. */
  get clockOffsetSeconds(): number | undefined {
    return this.#clockOffsetSeconds;
  }

  /**
   * The directory, asked once. RFC 8555 section 7.1.1.
   * @throws TlsError ACME_UNREACHABLE, ACME_PROTOCOL, ACME_RATE_LIMITED, ACME_TIMEOUT, ACME_ABORTED
   */
  async directory(deadline: Deadline): Promise<AcmeDirectory> {
    while (this.#directory === undefined) {
      const isOwn = this.#asking === undefined;
      this.#asking ??= this.#askDirectory(deadline).finally(() => {
        this.#asking = undefined;
      });
      try {
        this.#directory = await this.#asking;
      } catch (error) {
        // the deadline of another request is not this one's
        if (isOwn) throw error;
        deadline.check("reading the CA's directory");
      }
    }
    return this.#directory;
  }

  /**
   * Sends a signed request, RFC 8555 section 6.2; payload "" is POST-as-GET. Gives an answer of status 2xx.
   * @throws AcmeError what the CA answers otherwise; TlsError ACME_UNREACHABLE, ACME_PROTOCOL, ACME_TIMEOUT, ACME_ABORTED
   */
  async post(given: string, payload: unknown, options: PostOptions): Promise<AcmeResponse> {
    // also one that a state of earlier holds
    const url = this.readLink(given, options.doing);
    const directory = await this.directory(options.deadline);
    const { kid, accept, deadline, doing } = options;
    let own: string | undefined;
    try {
      return await this.#try(kindOf(url, directory), options, async () => {
        const nonce = own ?? (await this.#takeNonce(directory.newNonce, options));
        own = undefined;
        return async () => {
          let fresh: string | undefined;
          try {
            const body = signJws(this.key, { url, payload, nonce, ...(kid !== undefined && { kid }) });
            const response = await this.#send({ method: "POST", url, body, ...acceptOf(accept), doing }, deadline);
            fresh = nonceOf(response);
            // the nonce that comes with a refused one is for the repetition, whatever else is kept
            own = isBadNonce(response) ? fresh : undefined;
            return response;
          } finally {
            if (own === undefined) this.#nonces.giveBack(fresh);
          }
        };
      });
    } finally {
      if (own !== undefined) this.#nonces.giveBack(own);
    }
  }

  /** Sends a request that is not signed, RFC 8555 section 6.3: the directory, RFC 9773's window. Throws as {@link post}. */
  async get(given: string, options: GetOptions): Promise<AcmeResponse> {
    const url = this.readLink(given, options.doing);
    const { accept, doing, deadline } = options;
    const kind = url === this.directoryUrl ? "directory" : kindOf(url, this.#directory);
    return this.#try(
      kind,
      options,
      unsigned(() => this.#send({ method: "GET", url, ...acceptOf(accept), doing }, deadline)),
    );
  }

  async #askDirectory(deadline: Deadline): Promise<AcmeDirectory> {
    const { body, headers } = await this.get(this.directoryUrl, { doing: "reading the CA's directory", deadline });
    this.#clockOffsetSeconds = readClockOffset(headers, this.clock.now());
    return parseDirectory(body, this.directoryUrl, this.#options.linkOrigins);
  }

  #takeNonce(url: string, { doing: step, deadline }: GetOptions): Promise<string> {
    const doing = `${step}: asking for a nonce`;
    const fetch = async () => {
      const ask = unsigned(() => this.#send({ method: "HEAD", url, doing }, deadline));
      const nonce = nonceOf(await this.#try("nonce", { doing, deadline }, ask));
      if (nonce !== undefined) return nonce;
      throw new TlsError("ACME_PROTOCOL", `${doing}: the answer has none.`, {
        hint: "Look whether a proxy between this machine and the CA drops the header Replay-Nonce.",
      });
    };
    return this.#nonces.take(fetch, deadline.signal);
  }

  /** Tries until there is an answer, or no sense in another try. What `prepare` fails with is not tried again. */
  async #try(kind: RequestKind, { doing, deadline }: GetOptions, prepare: () => Promise<Send>): Promise<AcmeResponse> {
    const tries: Record<keyof Tries, number> = { badNonce: 0, failed: 0 };
    for (;;) {
      const outcome = await this.#outcomeOf(kind, doing, deadline, prepare);
      const now = this.clock.now();
      if ("response" in outcome && outcome.problem === undefined) return outcome.response;
      // what was cut by the end of the time is no failure of the CA
      if ("failure" in outcome && deadline.signal.aborted) throw deadline.error(doing);
      const decision = decideRetry(outcome, tries, now, deadline.endsAt);
      if (!decision.again) {
        throw "failure" in outcome ? outcome.failure : explainAnswer(outcome.response, doing, now);
      }
      if (decision.counts !== "none") tries[decision.counts] += 1;
      if (decision.waitMs > 0) await deadline.wait(decision.waitMs, doing);
    }
  }

  async #outcomeOf(
    kind: RequestKind,
    doing: string,
    deadline: Deadline,
    prepare: () => Promise<Send>,
  ): Promise<Outcome> {
    deadline.check(doing);
    try {
      // a place first: a nonce that waits for one is missed by others
      await this.#options.throttle?.(kind, deadline.signal);
      return await outcomeOf(await prepare(), this.clock);
    } catch (error) {
      // whatever the end of the time made of it
      throw deadline.signal.aborted ? deadline.error(doing) : error;
    }
  }

  #send(request: Omit<AcmeRequest, "signal">, deadline: Deadline): Promise<AcmeResponse> {
    return this.#options.transport.request({ ...request, signal: deadline.signal });
  }
}

type Send = () => Promise<AcmeResponse>;

/** Nothing has to be prepared. */
function unsigned(send: Send): () => Promise<Send> {
  return () => Promise.resolve(send);
}

async function outcomeOf(send: Send, clock: AcmeClock): Promise<Outcome> {
  try {
    const response = await send();
    if (response.status >= 200 && response.status < 300) return { response };
    return { response, problem: readAnsweredProblem(response, clock.now()) };
  } catch (failure) {
    if (isTlsError(failure)) return { failure };
    throw failure;
  }
}

function acceptOf(accept: string | undefined): { readonly accept?: string } {
  return accept === undefined ? {} : { accept };
}

/** The kind of a request by its URL; "other" for all before the directory is known. */
function kindOf(url: string, directory: AcmeDirectory | undefined): RequestKind {
  if (directory === undefined) return "other";
  if (url === directory.newAccount) return "account";
  if (url === directory.newOrder) return "order";
  return directory.renewalInfo !== undefined && url.startsWith(`${directory.renewalInfo}/`) ? "renewal-info" : "other";
}
