import { type BackOffRecord, readBackOffRecord } from "../../acme/limits/back-off";
import type { Issuance } from "../../acme/limits/budget";
import type { OrderProgress } from "../../acme/order/journey";
import type { RenewalWindow } from "../../renewal/window";
import type { Properties } from "../lifecycle";

/** What the state keeps beside the certificate: bookkeeping that a later run decides by. */
export interface CertificateRecord {
  /** The certificate that is served until another one is there; absent before the first. */
  readonly certPem?: string;
  /** What it was issued for, by `hashCertificateOrder`. */
  readonly issuedFor?: string;
  /** Of the last order that came to no end. */
  readonly progress?: OrderProgress;
  /** The URL of that order, which is no secret: a hook, which is shown none, knows by it that the order is open. */
  readonly pendingOrderUrl?: string;
  readonly failure?: BackOffRecord;
  readonly issuances: readonly RecordedIssuance[];
  /** The set of names, by `hashCertificateOrder`, that an order at staging succeeded for. */
  readonly rehearsedFor?: string;
  readonly window?: StoredWindow;
}

/** A certificate that the resource got, and from which CA: staging's limits are not production's. */
export interface RecordedIssuance extends Issuance {
  /** The URL of the directory. */
  readonly directory: string;
}

/** The CA's window, and when it may be asked for again. */
export interface StoredWindow extends RenewalWindow {
  /** ISO 8601 UTC. */
  readonly nextAskAt: string;
}

/** Outputs that only `create`, `update` and a refresh know. */
export const computedNames = [
  "certPem",
  "issuerPem",
  "privateKeyPem",
  "fingerprintSha256",
  "serialNumber",
  "validFrom",
  "validTo",
  "certificateUrl",
  "orderUrl",
  "validatedBy",
  "issuedFor",
  "progress",
  "pendingOrderUrl",
  "failure",
  "issuances",
  "rehearsedFor",
  "renewalWindow",
  "revocationKeyPem",
] as const;

/** The certificate and everything about it that stays as it is when nothing is ordered. */
export function keptOutputs(state: Properties): Properties {
  return Object.fromEntries(computedNames.filter((name) => name in state).map((name) => [name, state[name]]));
}

/** Reads the bookkeeping; what is not as it should be is taken for absent. */
export function readRecord(state: Properties): CertificateRecord {
  const failure = readBackOffRecord(state.failure);
  const window = readWindow(state.renewalWindow);
  const progress = readProgress(state.progress);
  return {
    ...textsOf(state, "certPem", "issuedFor", "pendingOrderUrl", "rehearsedFor"),
    ...(progress && { progress }),
    ...(failure && { failure }),
    issuances: Array.isArray(state.issuances) ? (state.issuances as RecordedIssuance[]) : [],
    ...(window && { window }),
  };
}

/** As one secret text: an order that came to no end holds the certificate's key. */
export function renderProgress(progress: OrderProgress): string | null {
  return Object.keys(progress).length === 0 ? null : JSON.stringify(progress);
}

function readProgress(value: unknown): OrderProgress | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return JSON.parse(value) as OrderProgress;
  } catch {
    return undefined;
  }
}

function readWindow(value: unknown): StoredWindow | undefined {
  const { id, start, end, explanationUrl, nextAskAt } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (![id, start, end, nextAskAt].every((text) => typeof text === "string")) return undefined;
  return {
    ...({ id, start, end, nextAskAt } as StoredWindow),
    ...(typeof explanationUrl === "string" && { explanationUrl }),
  };
}

function textsOf<Name extends string>(state: Properties, ...names: readonly Name[]): Partial<Record<Name, string>> {
  const entries = names.flatMap((name) => (typeof state[name] === "string" ? [[name, state[name]]] : []));
  return Object.fromEntries(entries) as Partial<Record<Name, string>>;
}
