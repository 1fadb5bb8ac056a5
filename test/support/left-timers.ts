// Guards: timers that keep a process alive after its work, told apart from those of the test runner.
import { AsyncLocalStorage, createHook } from "node:async_hooks";

/** How many timers `work` started that still keep the process alive when it has ended. */
export async function timersLeftBy(work: () => Promise<unknown>): Promise<number> {
  const ours = new AsyncLocalStorage<true>();
  const timers = new Map<number, NodeJS.Timeout>();
  const hook = createHook({
    init: (id, type, _trigger, resource) => {
      if (type === "Timeout" && ours.getStore() === true) timers.set(id, resource as NodeJS.Timeout);
    },
    destroy: (id) => timers.delete(id),
  }).enable();
  try {
    await ours.run(true, work);
    // Node reports the end of a timer in the next turn
    await new Promise(setImmediate);
  } finally {
    hook.disable();
  }
  return [...timers.values()].filter((timer) => timer.hasRef()).length;
}
