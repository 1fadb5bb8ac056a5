import { refuseNonPublic } from "../../network/address-policy";
import { ipOctets } from "../../x509/names/ip-address";
import type { DnsServer } from "../dns/query";
import { queryFirst } from "../dns/resolvers";
import type { Deadline } from "../run/deadline";
import type { PreflightFinding } from "./finding";

/** What the DNS says of a host. */
export type HostAddresses =
  /** IPv6 first, as CAs go about it; at least one. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | { readonly kind: "no-name" }
  | { readonly kind: "no-address" }
  /** No resolver answered; the code of node:dns. */
  | { readonly kind: "unseen"; readonly code: string };

/** A machine of a cluster is told of by a dozen addresses; more are not asked. */
const MOST_ADDRESSES = 16;

/**
 * The addresses of a host, at most 16: its A and AAAA records by these resolvers, and not by the machine's own list of
 * hosts, which no CA sees. An address is its own.
 * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
 */
export async function findAddresses(
  host: string,
  resolvers: readonly DnsServer[],
  deadline: Deadline,
): Promise<HostAddresses> {
  if (ipOctets(host) !== undefined) return { kind: "addresses", addresses: [host] };
  const [six, four] = await Promise.all([
    queryFirst(resolvers, host, "AAAA", deadline),
    queryFirst(resolvers, host, "A", deadline),
  ]);
  const addresses = [six, four].flatMap((answer) => (answer.kind === "records" ? answer.records : []));
  if (addresses.length > 0) return { kind: "addresses", addresses: addresses.slice(0, MOST_ADDRESSES) };
  const failed = [six, four].find((answer) => answer.kind === "failure");
  if (failed !== undefined) return { kind: "unseen", code: failed.code };
  return { kind: six.kind === "no-name" && four.kind === "no-name" ? "no-name" : "no-address" };
}

/**
 * What is wrong with the addresses of a name that a CA is going to connect to. `isPublic`: it does so from the
 * Internet. `subject` is the name as it is ordered.
 */
export function judgeAddresses(subject: string, host: HostAddresses, isPublic: boolean): readonly PreflightFinding[] {
  switch (host.kind) {
    case "no-name":
    case "no-address":
      return [{ severity: "error", subject, ...explainNoAddress(host.kind) }];
    case "unseen":
      return [{ severity: "warning", subject, ...explainUnseen("its addresses", host.code) }];
    case "addresses":
      return isPublic ? judgePlaces(subject, host.addresses) : [];
  }
}

/** Of a name without addresses, in a message of any kind. */
export function explainNoAddress(kind: "no-name" | "no-address"): Pick<PreflightFinding, "found" | "hint"> {
  return kind === "no-name"
    ? {
        found: "the DNS has no such name",
        hint: "Add its A or AAAA record, or look whether its zone is delegated; where this machine sees another DNS than the CA, give resolvers that see the same.",
      }
    : {
        found: "the name has neither an A nor an AAAA record",
        hint: "Add the one that leads to the gateway, or prove the name by dns-01.",
      };
}

/** Of what no resolver could tell; `what` is "its addresses". */
export function explainUnseen(what: string, code: string): Pick<PreflightFinding, "found" | "hint"> {
  const answered = code === "ETIMEOUT" ? "no resolver answered" : `the resolvers could not tell (${code})`;
  return {
    found: `${what} could not be looked up: ${answered}`,
    hint: "Look at the DNS of the machine that runs Pulumi, or give resolvers that can be reached from it; a CA that gets no answer either refuses.",
  };
}

function judgePlaces(subject: string, addresses: readonly string[]): readonly PreflightFinding[] {
  const refused = addresses.flatMap((address) => {
    const reason = refuseNonPublic(address);
    return reason === undefined ? [] : [`${address}, ${reason}`];
  });
  const [first] = refused;
  if (first === undefined) return [];
  const isAll = refused.length === addresses.length;
  const ofHow = addresses.length > refused.length ? " beside others" : "";
  return [
    {
      severity: isAll ? "error" : "warning",
      subject,
      found: `its address is ${first}${ofHow}, which a public CA does not connect to`,
      hint: "Let its A and AAAA records lead to the public address of the gateway, or prove the name by dns-01; where this machine sees another DNS than the CA, give resolvers that see the same.",
    },
  ];
}
