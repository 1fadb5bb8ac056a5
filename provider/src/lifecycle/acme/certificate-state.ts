import { z } from "zod";
import { type BackOffRecord, readBackOffRecord } from "../../acme/limits/back-off";
import type { Issuance } from "../../acme/limits/budget";
import type { OrderProgress } from "../../acme/order/journey";
import { pick } from "../decoder";
import { known } from "../input/parse";
import type { Outputs, Preview } from "../lifecycle";
import { accountKeyTypes } from "./account-inputs";
import { challengeSchema } from "./challenge-inputs";
import { type OrderingKept, orderingKept, orderingPolicy, orderingShown } from "./ordering-state";

const optionalText = z.string().exactOptional();

const shown = {
  ...orderingShown,
  keyType: z.enum(accountKeyTypes).exactOptional(),
  certificateRequestPem: optionalText,
  fromOrderUrl: optionalText,
  revokeOnDestroy: z.boolean().exactOptional(),
};

/** Outputs that only `create`, `update` and a refresh know. */
const issued = {
  ...orderingKept,
  issuerPem: z.string(),
  privateKeyPem: z.string(),
  fingerprintSha256: z.string(),
  serialNumber: z.string(),
  validatedBy: z.string(),
  /** The text of `hashCertificateOrder` for what was issued. */
  issuedFor: z.string(),
  /** As {@link renderProgress} writes it. */
  progress: z.string(),
  rehearsedFor: z.string(),
  revocationKeyPem: z.string(),
};

/** The types of a certificate's properties. */
export const certificateDecoders = {
  inputs: z.object({
    ...shown,
    ...orderingPolicy,
    rehearsalDirectoryUrl: optionalText,
    rehearsalAccountKeyPem: optionalText,
    challenge: challengeSchema,
    challengeEnvironment: optionalText,
    reuseKey: z.boolean().exactOptional(),
    preferredChain: optionalText,
    requirePreferredChain: z.boolean().exactOptional(),
    rehearsal: z.enum(["first", "always", "off"]).exactOptional(),
  }),
  state: z.object({ ...shown, ...issued }),
};

/** The inputs that `check` returns. */
export type CertificateInputs = z.output<typeof certificateDecoders.inputs>;

/** The stored properties of a certificate. */
export type CertificateState = Partial<z.output<typeof certificateDecoders.state>>;

/** Outputs that only `create`, `update` and a refresh know. */
export const computedNames = z.object(issued).keyof().options;

/** What the state keeps beside the certificate: bookkeeping that a later run decides by. */
export interface CertificateRecord {
  /** The certificate that is served until another one is there; absent before the first. */
  readonly certPem: string | undefined;
  /** What it was issued for, by `hashCertificateOrder`. */
  readonly issuedFor: string | undefined;
  /** Of the last order that came to no end. */
  readonly progress: OrderProgress | undefined;
  /** The URL of that order, which is no secret: a hook, which is shown none, knows by it that the order is open. */
  readonly pendingOrderUrl: string | undefined;
  readonly failure: BackOffRecord | undefined;
  readonly issuances: readonly RecordedIssuance[];
  /** The set of names, by `hashCertificateOrder`, that an order at staging succeeded for. */
  readonly rehearsedFor: string | undefined;
  readonly window: StoredWindow | undefined;
}

/** A certificate that the resource got, and from which CA: staging's limits are not production's. */
export interface RecordedIssuance extends Issuance {
  /** The URL of the directory. */
  readonly directory?: string;
}

/** The CA's window, and when it may be asked for again. */
export type StoredWindow = Exclude<OrderingKept["renewalWindow"], undefined>;

const issuance = z.looseObject({ at: z.string(), names: z.string(), directory: optionalText });

/** The certificate and everything about it that stays as it is when nothing is ordered. */
export function keptOutputs(state: CertificateState): Outputs<CertificateState> {
  return pick(state, computedNames);
}

/** Reads the bookkeeping; what is not as it should be is taken for absent. */
export function readRecord(state: Preview<CertificateState>): CertificateRecord {
  return {
    certPem: known(state.certPem),
    issuedFor: known(state.issuedFor),
    progress: readProgress(known(state.progress)),
    pendingOrderUrl: known(state.pendingOrderUrl),
    failure: readBackOffRecord(state.failure),
    issuances: (known(state.issuances) ?? []).flatMap((entry) => issuance.safeParse(entry).data ?? []),
    rehearsedFor: known(state.rehearsedFor),
    window: known(state.renewalWindow),
  };
}

/** As one secret text: an order that came to no end holds the certificate's key. */
export function renderProgress(progress: OrderProgress): string | null {
  return Object.keys(progress).length === 0 ? null : JSON.stringify(progress);
}

function readProgress(text: string | undefined): OrderProgress | undefined {
  if (text === undefined) return undefined;
  try {
    // `renderProgress` wrote it, and the engine keeps it as a cipher
    return JSON.parse(text) as OrderProgress;
  } catch {
    return undefined;
  }
}
