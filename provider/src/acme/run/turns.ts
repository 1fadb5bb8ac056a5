/** Takes turns: at most `places` at once, the others in the order they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  /** Runs `work` when a place is free. Rejects with the signal's reason when it aborts before that. */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** Whether nobody works or waits; `places` as it was made. */
  isIdle(places: number): boolean {
    return this.#free === places;
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason);
      };
      this.#waiting.push(enter);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }
}

/** One at a time for each name. */
export class TurnsByName {
  readonly #turns = new Map<string, Turns>();

  /** Runs `work` when no other work of this name runs. Rejects with the signal's reason when it aborts before that. */
  async take<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turns = this.#turns.get(name) ?? new Turns(1);
    this.#turns.set(name, turns);
    try {
      return await turns.take(work, signal);
    } finally {
      if (turns.isIdle(1)) this.#turns.delete(name);
    }
  }
}
