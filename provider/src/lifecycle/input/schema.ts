import { z } from "zod";
import { isTlsError } from "../../errors";

/** A text that one of the parsers takes; what it says is the issue. */
export function text(parse: (given: string) => string) {
  return z.string().transform((given, context) => {
    try {
      return parse(given);
    } catch (error) {
      if (!isTlsError(error)) throw error;
      context.addIssue({
        code: "custom",
        message: error.hint === undefined ? error.reason : `${error.reason}. ${error.hint}`,
      });
      return z.NEVER;
    }
  });
}

/** False means the same as absent. */
export const flag = z.boolean().transform((given): true | undefined => (given ? true : undefined));
