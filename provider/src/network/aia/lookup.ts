import { type LookupAddress, lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import type { AddressPolicy } from "../address-policy";
import { UNREACHABLE_HINT } from "./exchange";

/** All addresses of a name, as `node:dns` looks them up. */
export type Resolver = (
  name: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const systemResolver: Resolver = (name, callback) => lookup(name, { all: true }, callback);

/** What to do about an address that is refused. */
const ADDRESS_HINT =
  "For a CA inside your own network allow private addresses; otherwise append the issuer's certificate by hand.";

/**
 * A `lookup` for `node:http` that gives only addresses which the policy allows. The judgement is part of the lookup
 * that the connection is made from, so a name can't resolve to something else in between. `what` begins the message.
 * An address in place of a name is not looked up by Node at all: {@link refuseLiteral} judges it.
 * Fails with TlsError AIA_REFUSED when no address is left, else as the resolver does.
 */
export function judgedLookup(policy: AddressPolicy, what: string, resolve: Resolver = systemResolver): LookupFunction {
  return (name, { all }, callback) => {
    resolve(name, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const allowed = addresses.filter(({ address }) => policy(address) === undefined);
      const [first] = allowed;
      if (first === undefined) return callback(refusal(name, addresses, policy, what), []);
      if (all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}

/**
 * Judges a host that is an address, without brackets.
 * @throws TlsError AIA_REFUSED
 */
export function refuseLiteral(host: string, policy: AddressPolicy, what: string): void {
  const reason = isIP(host) === 0 ? undefined : policy(host);
  if (reason === undefined) return;
  throw new TlsError("AIA_REFUSED", `${what}: ${host} is ${reason}, which is not connected to.`, {
    hint: ADDRESS_HINT,
  });
}

function refusal(
  name: string,
  addresses: readonly LookupAddress[],
  policy: AddressPolicy,
  what: string,
): NodeJS.ErrnoException {
  const [first] = addresses;
  if (first === undefined) {
    return new TlsError("AIA_UNREACHABLE", `${what}: the name ${renderQuoted(name)} has no address.`, {
      hint: UNREACHABLE_HINT,
    });
  }
  const others = addresses.length === 1 ? "" : `, as is none of its other ${addresses.length - 1}`;
  const found = `the name ${renderQuoted(name)} has the address ${first.address}, ${policy(first.address)}`;
  return new TlsError("AIA_REFUSED", `${what}: ${found}, which is not connected to${others}.`, { hint: ADDRESS_HINT });
}
