import { Deadline, systemClock } from "../acme/run/deadline";

/** Does work that has so many seconds, waits and repetitions included. */
export async function within<T>(seconds: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const deadline = new Deadline(seconds, systemClock);
  try {
    return await work(deadline);
  } finally {
    deadline.dispose();
  }
}
