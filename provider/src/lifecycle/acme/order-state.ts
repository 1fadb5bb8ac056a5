import { z } from "zod";
import type { BackOffRecord } from "../../acme/limits/back-off";
import type { NameChallenge } from "../../acme/order/name-challenge";
import { pick } from "../decoder";
import { known } from "../input/parse";
import type { Outputs, Preview } from "../lifecycle";
import { type RecordedIssuance, readRecord, type StoredWindow } from "./certificate-state";
import { orderingKept, orderingPolicy, orderingShown } from "./ordering-state";

/** Outputs that only `create`, `update` and a refresh know. */
const placed = {
  ...orderingKept,
  /** The text of `hashPlacedOrder` for what was placed. */
  orderedFor: z.string(),
  orderedAt: z.string(),
  expiresAt: z.string(),
  estimatedValidTo: z.string(),
  challenges: z
    .array(
      z.object({
        hostname: z.string(),
        isProved: z.boolean(),
        dnsKeyAuthorization: z.string().exactOptional(),
        http: z.object({ token: z.string(), keyAuthorization: z.string() }).exactOptional(),
      }),
    )
    .readonly(),
  orderKeyPem: z.string(),
};

/** The types of an order's properties. */
export const orderDecoders = {
  inputs: z.object({ ...orderingShown, ...orderingPolicy }),
  state: z.object({ ...orderingShown, ...placed }),
};

/** The stored properties of an order. */
export type OrderState = Partial<z.output<typeof orderDecoders.state>>;

/** What the state keeps of an order. */
export interface OrderRecord {
  readonly orderUrl: string | undefined;
  /** Of an order that was placed, and whose challenges could not be asked for: the next run goes on with it. */
  readonly pendingOrderUrl: string | undefined;
  /** What it was placed for, by `hashPlacedOrder`. */
  readonly orderedFor: string | undefined;
  readonly orderedAt: string | undefined;
  /** When the certificate will end, estimated when the order was placed; ISO 8601 UTC. */
  readonly estimatedValidTo: string | undefined;
  /** The certificate that the CA issued for it, once that is known: PEM of the leaf. */
  readonly certPem: string | undefined;
  readonly window: StoredWindow | undefined;
  readonly failure: BackOffRecord | undefined;
  readonly issuances: readonly RecordedIssuance[];
}

/** What is known of the certificate of an order; empty while none is. */
export const certificateNames = ["certificateUrl", "certPem", "validFrom", "validTo", "renewalWindow"] as const;

/** Outputs that only `create`, `update` and a refresh know. */
export const computedOrderNames = z.object(placed).keyof().options;

/** One name of an order, as the state holds it: `NameChallenge`. */
export type StoredChallenge = NameChallenge;

/** Everything about the order that stays as it is when none is placed. */
export function keptOrder(state: OrderState): Outputs<OrderState> {
  return pick(state, computedOrderNames);
}

/** Reads the bookkeeping; what is not as it should be is taken for absent. */
export function readOrderRecord(state: Preview<OrderState>): OrderRecord {
  const { window, certPem, issuances, pendingOrderUrl, failure } = readRecord(state);
  return {
    ...{ window, certPem, issuances, pendingOrderUrl, failure },
    orderUrl: known(state.orderUrl),
    orderedFor: known(state.orderedFor),
    orderedAt: known(state.orderedAt),
    estimatedValidTo: known(state.estimatedValidTo),
  };
}
