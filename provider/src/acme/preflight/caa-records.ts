import type { CaaProperty, DnsAnswer, DnsServer } from "../dns/query";
import { queryFirst } from "../dns/resolvers";
import type { CaaSet } from "../look/caa";
import type { Deadline } from "../run/deadline";

/** Which records count for a name. */
export type CaaSearch =
  | { readonly kind: "found"; readonly set: CaaSet }
  /** Neither the name nor one above it has any: every CA may issue. */
  | { readonly kind: "none" }
  /** The records of this name could not be had, so those above it do not count. */
  | { readonly kind: "unseen"; readonly name: string; readonly code: string };

/** Looks for CAA records; of a name that several are below it asks once. */
export class CaaRecords {
  readonly #resolvers: readonly DnsServer[];
  readonly #answers = new Map<string, Promise<DnsAnswer<CaaProperty>>>();

  constructor(resolvers: readonly DnsServer[]) {
    this.#resolvers = resolvers;
  }

  /**
   * Climbs from the name, without `*.`, to the top-level domain (RFC 8659 section 3), all levels at once. CNAMEs are
   * followed by the resolvers.
   * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
   */
  async find(name: string, deadline: Deadline): Promise<CaaSearch> {
    const labels = name.split(".");
    const names = labels.map((_, index) => labels.slice(index).join("."));
    const answers = await Promise.all(names.map((each) => this.#ask(each, deadline)));
    for (const [index, answer] of answers.entries()) {
      const at = names[index] ?? name;
      if (answer.kind === "failure") return { kind: "unseen", name: at, code: answer.code };
      // a CNAME to a name without such records comes as none
      if (answer.kind === "records" && answer.records.length > 0) {
        return { kind: "found", set: { name: at, properties: answer.records } };
      }
    }
    return { kind: "none" };
  }

  #ask(name: string, deadline: Deadline): Promise<DnsAnswer<CaaProperty>> {
    const asked = this.#answers.get(name) ?? queryFirst(this.#resolvers, name, "CAA", deadline);
    this.#answers.set(name, asked);
    return asked;
  }
}
