// Guards: a test of a failure that passes without one.
import { isTlsError, type TlsError } from "../../provider/src/errors";

/** The TlsError that a promise rejects with; everything else fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<TlsError> {
  try {
    await promise;
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
