import { setTimeout as timeout } from "node:timers/promises";

/** Undoes what a step has put in place; idempotent. */
export type CleanUp = () => Promise<void>;

interface Work {
  readonly controller: AbortController;
  readonly cleanUp: CleanUp;
  /** Settles with the work, never rejects. */
  readonly ended: Promise<void>;
}

const signals = ["SIGINT", "SIGTERM"] as const;

/** Clean-ups and the ends of the works together may take so long; then the process ends without them. */
const MOST_MILLISECONDS = 5000;
/** For the answers of the works to leave the process, if anybody still hears them. */
const LAST_MILLISECONDS = 200;

/** What is in progress. The handlers are there exactly while it is not empty. */
const inProgress = new Set<Work>();
let isEnding = false;

/**
 * Runs `work`; on SIGINT or SIGTERM meanwhile its signal aborts, `cleanUp` runs beside those of all other works, all is
 * waited for 5 seconds at most, and the process then ends by that signal as if nobody had listened. A second signal ends
 * it at once. When others listen too (a host with handlers of its own) it is left to them how the process ends. `cleanUp`
 * is not called at the normal end of `work`, and no handler stays when no work is left (from the next turn of the event
 * loop on).
 */
export async function during<T>(work: (signal: AbortSignal) => Promise<T>, cleanUp: CleanUp): Promise<T> {
  const controller = new AbortController();
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const own: Work = { controller, cleanUp, ended };
  inProgress.add(own);
  listen();
  try {
    return await work(controller.signal);
  } finally {
    end();
    inProgress.delete(own);
    // a signal that has come but was not heard yet is lost with its handler; the turn of the loop till then hears most
    if (inProgress.size === 0) setImmediate(stopIfIdle);
  }
}

function terminate(signal: NodeJS.Signals): void {
  const othersListen = process.listenerCount(signal) > 1;
  if (isEnding) {
    endProcess(signal, othersListen);
    return;
  }
  isEnding = true;
  void cleanUpAll(new Error(`the process was ended by ${signal}`)).then(() => endProcess(signal, othersListen));
}

/** Never rejects: what fails here can't be told to anybody any more. */
async function cleanUpAll(reason: Error): Promise<void> {
  const works = [...inProgress];
  for (const { controller } of works) controller.abort(reason);
  const all = works.flatMap(({ cleanUp, ended }) => [Promise.resolve().then(cleanUp), ended]);
  const bound = new AbortController();
  await Promise.race([Promise.allSettled(all), timeout(MOST_MILLISECONDS, undefined, { signal: bound.signal })]);
  bound.abort();
  await timeout(LAST_MILLISECONDS);
}

function endProcess(signal: NodeJS.Signals, othersListen: boolean): void {
  isEnding = false;
  stopListening();
  if (!othersListen) process.kill(process.pid, signal);
}

function stopIfIdle(): void {
  if (inProgress.size === 0 && !isEnding) stopListening();
}

function listen(): void {
  for (const signal of signals)
    if (!process.listeners(signal).includes(terminate)) process.prependListener(signal, terminate);
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, terminate);
}
