// The properties that certificates and orders have in common: checked inputs, and outputs about what was issued.
import { z } from "zod";
import { texts } from "../decoder";
import type { Preview } from "../lifecycle";

const optionalText = z.string().exactOptional();
const optionalNumber = z.number().exactOptional();

/** Inputs that the state keeps. */
export const orderingShown = {
  /** The Pulumi name. */
  name: optionalText,
  hostnames: texts,
  accountUrl: z.string(),
  directoryUrl: z.string(),
  caBundlePem: optionalText,
  linkOrigins: texts.exactOptional(),
  profile: optionalText,
};

/** Inputs that the state does not keep. */
export const orderingPolicy = {
  accountKeyPem: z.string(),
  requestTimeoutSeconds: optionalNumber,
  timeoutSeconds: optionalNumber,
  renewalInfoDays: optionalNumber,
  preflight: z
    .object({ when: z.enum(["up", "preview", "off"]).exactOptional(), resolvers: texts.exactOptional() })
    .exactOptional(),
  minDaysRemaining: optionalNumber,
  checkIntervalHours: optionalNumber,
};

/** Outputs that both keep of what was issued, and of what failed. */
export const orderingKept = {
  certPem: z.string(),
  validFrom: z.string(),
  validTo: z.string(),
  certificateUrl: z.string(),
  orderUrl: z.string(),
  pendingOrderUrl: z.string(),
  /** The CA's window, and when it may be asked for again, ISO 8601 UTC. */
  renewalWindow: z.object({
    id: z.string(),
    start: z.string(),
    end: z.string(),
    explanationUrl: optionalText,
    nextAskAt: z.string(),
  }),
  /** Each entry is read apart: one that is none must not hide the others. */
  issuances: z.array(z.unknown()).readonly(),
  /** Read by `readBackOffRecord`. */
  failure: z.unknown(),
};

const inputs = z.object({ ...orderingShown, ...orderingPolicy });
const kept = z.object(orderingKept);

/** The inputs of whatever orders a certificate. */
export type OrderingInputs = z.output<typeof inputs>;

/** The outputs that the state keeps of it. */
export type OrderingKept = Partial<z.output<typeof kept>>;

/** Inputs of which the names and the CA are known, and perhaps no more: enough to judge limits by. */
export type OrderSubject = Preview<OrderingInputs> & Pick<OrderingInputs, "hostnames" | "directoryUrl">;
