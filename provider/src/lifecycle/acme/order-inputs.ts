import { checkProfile, describeOrdered, hostnamesSchema, orderingShape, parseHostnames } from "../acme-ordering-inputs";
import { parseInputs } from "../input/parse";
import { type CheckResult, type Failure, type Properties, UNKNOWN } from "../lifecycle";

const shape = { ...orderingShape, hostnames: hostnamesSchema };

/** Checks the arguments of an order: all that a CA would refuse, as far as it can be known before. */
export function checkAcmeOrder(_olds: Properties, news: Readonly<Record<string, unknown>>): CheckResult {
  const parsed = parseInputs(shape, news);
  if (parsed.failures !== undefined) return parsed;
  const { values } = parsed;
  if (values.hostnames === UNKNOWN) return { inputs: values };
  const failures: Failure[] = [];
  const hostnames = parseHostnames(values.hostnames, failures);
  checkProfile(hostnames, values, failures);
  return failures.length > 0 ? { failures } : { inputs: { ...values, hostnames } };
}

/** What an order is of: where any of it differs another one is placed. */
export function describePlaced(inputs: Properties): string {
  return describeOrdered(inputs);
}
