import { SECOND } from "../../text/time";
import { hashText } from "./order-inputs";

/** How long a look reuses a decision: the shortest pause that a CA may ask for (RFC 9773 section 4.3.2). */
export const LOOK_SECONDS = 60;

/** How long an update reuses the decision of its diff: other orders of the run may come first, each with up to a day. */
export const STEP_SECONDS = 86_400;

/**
 * The decisions of this process, by the facts that they depend on. `diff` decides whether a step happens and `update`
 * takes it, in one process: the CA is asked once, and a CA that became silent in between does not change the decision.
 */
export class Decisions<Decision> {
  readonly #made = new Map<string, { readonly at: number; readonly decision: Decision }>();

  /**
   * Returns the decision that was made on the same facts in the last so many seconds, else makes one.
   * @param facts everything that the decision depends on, except the time; as JSON
   */
  async read(facts: unknown, now: Date, seconds: number, decide: () => Promise<Decision>): Promise<Decision> {
    const name = hashText(JSON.stringify(facts));
    const made = this.#made.get(name);
    if (made !== undefined) {
      const age = now.getTime() - made.at;
      if (age >= 0 && age < seconds * SECOND) return made.decision;
    }
    const decision = await decide();
    this.#made.set(name, { at: now.getTime(), decision });
    return decision;
  }
}
