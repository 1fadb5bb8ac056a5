import { readAnsweredProblem } from "./problem";
import type { AcmeResponse } from "./transport";

/** A request that waits for a nonce. */
interface Waiter {
  readonly fetch: () => Promise<string>;
  readonly resolve: (nonce: string) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The nonces of a CA (RFC 8555 section 6.5): each answer brings one for a later request, so the number in circulation,
 * kept or on their way, bounds how many requests run at once. New ones are fetched only when none is kept, and no more
 * than `most` are ever in circulation: one for each connection. A request beyond waits for the next answer.
 */
export class NoncePool {
  readonly #most: number;
  readonly #kept: string[] = [];
  readonly #waiting: Waiter[] = [];
  #fetching = 0;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes a nonce. Each one that is taken must come back by {@link giveBack} when the request that used it has ended.
   * @param fetch asks newNonce for this request, within its own bounds; it need not be called
   */
  take(fetch: () => Promise<string>, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const at = this.#waiting.indexOf(waiter);
        if (at !== -1) this.#waiting.splice(at, 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        fetch,
        resolve: (nonce) => {
          signal.removeEventListener("abort", leave);
          resolve(nonce);
        },
        reject: (error) => {
          signal.removeEventListener("abort", leave);
          reject(error);
        },
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiter);
      this.#serve();
    });
  }

  /** A request that used a nonce has ended; `fresh` is the one that its answer brought, if any came. */
  giveBack(fresh: string | undefined): void {
    this.#used -= 1;
    this.#keep(fresh);
  }

  #keep(nonce: string | undefined): void {
    if (nonce !== undefined) this.#kept.push(nonce);
    this.#serve();
  }

  #serve(): void {
    while (this.#kept.length > 0 && this.#waiting.length > 0) {
      this.#used += 1;
      // the newest is the least likely to have been forgotten by the CA
      this.#waiting.shift()?.resolve(this.#kept.pop() as string);
    }
    for (const waiter of this.#waiting.slice(this.#fetching)) {
      if (this.#used + this.#fetching >= this.#most) break;
      this.#fetchFor(waiter);
    }
  }

  #fetchFor(waiter: Waiter): void {
    this.#fetching += 1;
    waiter.fetch().then(
      (nonce) => {
        this.#fetching -= 1;
        this.#keep(nonce);
      },
      (error: unknown) => {
        this.#fetching -= 1;
        const at = this.#waiting.indexOf(waiter);
        // who has been served meanwhile does not care; the others fetch for themselves
        if (at !== -1) {
          this.#waiting.splice(at, 1);
          waiter.reject(error);
        }
        this.#serve();
      },
    );
  }
}

/** RFC 8555 section 6.5.1: base64url; a header of another kind is none. */
const noncePattern = /^[A-Za-z0-9_-]{1,512}$/;

/** The nonce that an answer brings (header Replay-Nonce), undefined when it has none. */
export function nonceOf({ headers }: AcmeResponse): string | undefined {
  const nonce = headers["replay-nonce"];
  return typeof nonce === "string" && noncePattern.test(nonce) ? nonce : undefined;
}

/** Whether the CA refuses the nonce of the request. RFC 8555 section 6.5. */
export function isBadNonce(response: AcmeResponse): boolean {
  return response.status === 400 && readAnsweredProblem(response, new Date(0)).kind === "badNonce";
}
