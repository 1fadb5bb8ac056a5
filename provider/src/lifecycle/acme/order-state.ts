import { type BackOffRecord, readBackOffRecord } from "../../acme/limits/back-off";
import type { NameChallenge } from "../../acme/order/name-challenge";
import type { Properties } from "../lifecycle";
import { type RecordedIssuance, readRecord, type StoredWindow } from "./certificate-state";

/** What the state keeps of an order. */
export interface OrderRecord {
  readonly orderUrl?: string;
  /** Of an order that was placed, and whose challenges could not be asked for: the next run goes on with it. */
  readonly pendingOrderUrl?: string;
  /** What it was placed for, by `hashPlacedOrder`. */
  readonly orderedFor?: string;
  readonly orderedAt?: string;
  /** When the certificate will end, estimated when the order was placed; ISO 8601 UTC. */
  readonly estimatedValidTo?: string;
  /** The certificate that the CA issued for it, once that is known: PEM of the leaf. */
  readonly certPem?: string;
  readonly window?: StoredWindow;
  readonly failure?: BackOffRecord;
  readonly issuances: readonly RecordedIssuance[];
}

/** What is known of the certificate of an order; empty while none is. */
export const certificateNames = ["certificateUrl", "certPem", "validFrom", "validTo", "renewalWindow"] as const;

/** Outputs that only `create`, `update` and a refresh know. */
export const computedOrderNames = [
  "orderUrl",
  "orderedFor",
  "orderedAt",
  "expiresAt",
  "estimatedValidTo",
  "challenges",
  "pendingOrderUrl",
  "failure",
  "issuances",
  "orderKeyPem",
  ...certificateNames,
] as const;

/** One name of an order, as the state holds it: `NameChallenge`. */
export type StoredChallenge = NameChallenge;

/** Everything about the order that stays as it is when none is placed. */
export function keptOrder(state: Properties): Properties {
  return Object.fromEntries(computedOrderNames.filter((name) => name in state).map((name) => [name, state[name]]));
}

/** Reads the bookkeeping; what is not as it should be is taken for absent. */
export function readOrderRecord(state: Properties): OrderRecord {
  const { window, certPem, issuances, pendingOrderUrl } = readRecord(state);
  const failure = readBackOffRecord(state.failure);
  const names = ["orderUrl", "orderedFor", "orderedAt", "estimatedValidTo"] as const;
  const texts = names.flatMap((name) => (typeof state[name] === "string" ? [[name, state[name]]] : []));
  return {
    ...Object.fromEntries(texts),
    issuances,
    ...(certPem !== undefined && { certPem }),
    ...(pendingOrderUrl !== undefined && { pendingOrderUrl }),
    ...(window && { window }),
    ...(failure && { failure }),
  };
}
