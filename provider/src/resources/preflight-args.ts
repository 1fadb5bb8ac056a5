import type * as pulumi from "@pulumi/pulumi";

/** As the provider takes it. */
export function preflightProperties(preflight: PreflightArgs | undefined): Record<string, unknown> {
  if (preflight === undefined) return {};
  return { preflight: typeof preflight === "string" ? { when: preflight } : preflight };
}

/**
 * When it is looked, before anything is ordered, whether the order can come to its end: the names resolve, CAA records allow
 * the CA and the account, what the CA is going to look for stands, the clock is right, the names fit the profile and the CA's
 * policy. `up` (default): in the run that orders, which orders nothing then. `preview`: in previews as well, which use the
 * network then. `off`: not at all.
 *
 * The DNS is asked for a CA that is known by name, such as `letsencrypt`; for others where `resolvers` are given, since a CA
 * inside sees another DNS.
 */
export type PreflightArgs =
  | "up"
  | "preview"
  | "off"
  | {
      readonly when?: pulumi.Input<"up" | "preview" | "off">;
      /** `address` or `address:port`. Default: the resolvers of the machine. */
      readonly resolvers?: pulumi.Input<pulumi.Input<string>[]>;
    };
