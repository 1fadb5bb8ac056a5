import type { Description } from "../../lifecycle/descriptions";
import type { Lifecycle } from "../../lifecycle/lifecycle";

/** What a class says of itself. */
export interface ResourceKind {
  /** The Pulumi type token; frozen, it stands in every URN. */
  readonly type: string;
  /** The text that the engine keeps and its dynamic-provider process runs; frozen to the letter, at most 80 bytes. */
  readonly provider: string;
  readonly description: Description;
  /** Called when the engine first asks for a reason; absent: it never does, which spares it a call for each step. */
  readonly loadLifecycle?: () => Lifecycle;
}

/** Describes the kind whose provider is exported as `exportName` by `pulumi-tls-gateway/provider`. */
export function describeKind(
  description: Description,
  exportName: string,
  loadLifecycle: () => Lifecycle,
): ResourceKind {
  return {
    type: `pulumi-nodejs:dynamic/tls-gateway:${description.name}`,
    provider: `exports.handler = () => require("pulumi-tls-gateway/provider").${exportName};`,
    description,
    loadLifecycle,
  };
}
