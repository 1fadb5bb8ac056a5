/**
 * Stands for a value that a preview does not know yet: an output of a resource that is still to be made. A whole
 * top-level property is unknown as soon as anything in it is.
 */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** The type of {@link UNKNOWN}. */
export type Unknown = typeof UNKNOWN;

/** Whether a value is known. */
export function isKnown<T>(value: T | Unknown): value is T {
  return value !== UNKNOWN;
}
