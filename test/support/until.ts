// Guards: polls that give up on a busy machine. The time limit of the test bounds them; fake timers do not stop them.
import { setTimeout as pause } from "node:timers/promises";

/** Resolves as soon as it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(2);
}
