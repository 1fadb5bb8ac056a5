// How values travel between the engine and a dynamic provider: JSON with two marks (pulumi/pulumi, sdk/nodejs/runtime/rpc.ts).
import { isKnown, UNKNOWN } from "../lifecycle/lifecycle";

/** A value that the preview does not know (`unknownValue` in rpc.ts). */
const UNKNOWN_MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Key and value of the envelope of a secret (`specialSigKey`, `specialSecretSig` in rpc.ts). */
const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** Properties as the engine sends and takes them. */
export type WireProperties = Record<string, unknown>;

/** Puts {@link UNKNOWN} in the place of each property that holds an unknown value anywhere. */
export function readUnknowns(properties: WireProperties): Record<string, unknown> {
  return mapValues(properties, (value) => (containsUnknown(value) ? UNKNOWN : value));
}

/** Puts the engine's mark in the place of {@link UNKNOWN}. */
export function renderUnknowns(properties: Readonly<Record<string, unknown>>): WireProperties {
  return mapValues(properties, (value) => (isKnown(value) ? value : UNKNOWN_MARK));
}

function containsUnknown(value: unknown): boolean {
  if (typeof value === "string") return value === UNKNOWN_MARK;
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (typeof value === "object" && value !== null) return Object.values(value).some(containsUnknown);
  return false;
}

/**
 * Wraps each named property in the envelope that the engine stores as a cipher. Unknown and absent ones stay: what is
 * unknown is made secret when it becomes known.
 */
export function wrapSecrets(properties: WireProperties, names: ReadonlySet<string>): WireProperties {
  const entries = Object.entries(properties).map(([name, value]) => {
    const open = !names.has(name) || value === null || value === UNKNOWN_MARK || isEnvelope(value);
    return [name, open ? value : { [SIGNATURE_KEY]: SECRET_SIGNATURE, value }];
  });
  return Object.fromEntries(entries);
}

function isEnvelope(value: unknown): boolean {
  return typeof value === "object" && value !== null && SIGNATURE_KEY in value;
}

/**
 * Drops every `undefined`, at any depth: one of them in the properties of a failure makes the engine wait for ever,
 * since the translation to protobuf throws inside the error handler.
 */
export function withoutUndefined(properties: WireProperties): WireProperties {
  return dropUndefined(properties) as WireProperties;
}

function dropUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((entry) => (entry === undefined ? null : dropUndefined(entry)));
  if (typeof value !== "object" || value === null) return value;
  // not by assignment, which a property called __proto__ would not survive
  const kept = Object.entries(value).filter(([, entry]) => entry !== undefined);
  return Object.fromEntries(kept.map(([name, entry]) => [name, dropUndefined(entry)]));
}

function mapValues(properties: Readonly<Record<string, unknown>>, map: (value: unknown) => unknown): WireProperties {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, map(value)]));
}
