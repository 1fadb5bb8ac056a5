// Runs a lifecycle as the adapter does, without an engine: check, then create or update; and holds what certificate tests start from.

import { renderFailure } from "../../../provider/src/adapter/failures";
import { isKnown, type Lifecycle, type Properties } from "../../../provider/src/lifecycle/lifecycle";
import { leafCertificate } from "../../../provider/src/lifecycle/local/leaf-certificate";
import { selfSignedCa } from "../../../provider/src/lifecycle/local/self-signed-ca";

/** The day on which these tests take place. */
export const TODAY = new Date("2026-11-23T10:20:30Z");

/** What the engine holds of one resource. */
export interface Held {
  readonly inputs: Properties;
  readonly state: Properties;
}

/** The inputs that `check` makes, as JSON; fails the test with what it refuses. */
export function checked(lifecycle: Lifecycle, args: Properties, now: Date = TODAY, olds: Properties = {}): Properties {
  const result = lifecycle.check(olds, args, now);
  if (result.failures !== undefined) throw new Error(result.failures.map(renderFailure).join("\n"));
  const entries = Object.entries(result.inputs).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isKnown(value) ? JSON.parse(JSON.stringify(value)) : value]),
  );
}

/** The failures of `check` as a person reads them; empty when it accepts. */
export function refused(
  lifecycle: Lifecycle,
  args: Properties,
  now: Date = TODAY,
  olds: Properties = {},
): readonly string[] {
  return lifecycle.check(olds, args, now).failures?.map(renderFailure) ?? [];
}

/** Creates a resource. */
export async function created(lifecycle: Lifecycle, args: Properties, now: Date = TODAY): Promise<Held> {
  const inputs = checked(lifecycle, args, now);
  const { outputs } = await lifecycle.create(inputs, { now });
  return { inputs, state: { ...inputs, ...outputs } };
}

/** Runs the program once more: check, and an update where something differs. */
export async function updated(lifecycle: Lifecycle, held: Held, args: Properties, now: Date): Promise<Held> {
  const inputs = checked(lifecycle, args, now, held.inputs);
  const outputs = await lifecycle.update("id", held.state, inputs, { now });
  return { inputs, state: { ...inputs, ...outputs } };
}

/** A root, as the arguments by which a leaf takes it. */
export async function issuer(args: Properties = {}, now: Date = TODAY) {
  const { state } = await created(selfSignedCa, { name: "Example Root", ...args }, now);
  return { caCertPem: state.certPem as string, caPrivateKeyPem: state.privateKeyPem as string };
}

/** Certificate and key of a leaf of `issuer`. */
export async function leafOf(issued: Properties, args: Properties = {}, now: Date = TODAY) {
  const { state } = await created(leafCertificate, { hostnames: ["a.test"], ...issued, ...args }, now);
  return { certPem: state.certPem as string, privateKeyPem: state.privateKeyPem as string };
}
