import { createEngineWatch } from "../../acme/run/engine-watch";
import { isTlsError } from "../../errors";

/** Pulumi starts the process of dynamic providers with the address of its engine. */
const engine = createEngineWatch(process.argv[2]);

/** @throws TlsError `ACME_ORPHANED` when the engine is gone; the signal's reason when it aborts */
export function checkEngine(signal?: AbortSignal): Promise<void> {
  return engine.checkAlive(signal);
}

/** Whether the engine that wants the result is still there. */
export async function isEngineAlive(): Promise<boolean> {
  try {
    await engine.checkAlive();
    return true;
  } catch (error) {
    if (isTlsError(error)) return false;
    throw error;
  }
}

/** A sentence for the user while a run goes on; the engine shows it under Diagnostics. */
export function tellEngine(line: string): void {
  // when the engine is gone a write fails, and Pulumi's process prints a failure that nobody hears of, which fails: for ever
  if (!process.stderr.listeners("error").includes(ignoreFailure)) process.stderr.on("error", ignoreFailure);
  process.stderr.write(`${line}\n`);
}

function ignoreFailure(): void {}
