import { Resolver } from "node:dns";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import type { Deadline } from "../run/deadline";
import { type DnsAnswer, type DnsServer, type QueryType, query, type RecordOf } from "./query";

/**
 * The resolvers of these addresses, or those of the machine. `property` names the setting that they come from.
 * @throws TlsError ACME_CHALLENGE: one is no IP address
 */
export function resolversOf(endpoints: readonly string[] | undefined, property: string): readonly DnsServer[] {
  if (endpoints === undefined) {
    return [{ role: "resolver", label: "the resolver of this machine", endpoint: undefined }];
  }
  return endpoints.map((endpoint) => {
    try {
      new Resolver().setServers([endpoint]);
    } catch (cause) {
      throw new TlsError("ACME_CHALLENGE", `${property}: ${renderQuoted(endpoint)} is no IP address.`, {
        hint: 'Write 192.0.2.53, "192.0.2.53:5353" or "[2001:db8::53]:5353".',
        cause,
      });
    }
    return { role: "resolver", label: `the resolver ${endpoint}`, endpoint };
  });
}

/**
 * What the first resolver that answers at all says; a failure is the last one's.
 * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
 */
export async function queryFirst<Type extends QueryType>(
  resolvers: readonly DnsServer[],
  name: string,
  type: Type,
  deadline: Deadline,
): Promise<DnsAnswer<RecordOf<Type>>> {
  let last: DnsAnswer<RecordOf<Type>> = { kind: "failure", code: "no resolver" };
  for (const resolver of resolvers) {
    last = await query(resolver, name, type, deadline);
    if (last.kind !== "failure") break;
  }
  return last;
}
