import * as pulumi from "@pulumi/pulumi";
import { SENSITIVE } from "../../adapter/dynamic-provider";
import type { Description } from "../../lifecycle/descriptions";
import type { Lifecycle } from "../../lifecycle/lifecycle";
import { type Explainer, reasonHook } from "./reason-hook";

/** What a class says of itself. */
export interface DynamicResourceKind {
  /** The Pulumi type token; frozen, it stands in every URN. */
  readonly type: string;
  /** The text that the engine keeps and its dynamic-provider process runs; frozen to the letter, at most 80 bytes. */
  readonly provider: string;
  readonly description: Description;
  /** Absent: the engine never asks for a reason, which saves it one call a step. */
  readonly explainer?: Explainer;
}

/**
 * Describes the kind whose provider is exported as `exportName` by `pulumi-tls-gateway/provider`.
 *
 * @param load gets the lifecycle when the engine first asks for a reason, so that a program does not load it.
 */
export function describeKind(description: Description, exportName: string, load: () => Lifecycle): DynamicResourceKind {
  const { name, explainedSecrets } = description;
  return {
    type: `pulumi-nodejs:dynamic/tls-gateway:${name}`,
    provider: `exports.handler = () => require("pulumi-tls-gateway/provider").${exportName};`,
    description,
    explainer: {
      ...(explainedSecrets !== undefined && { explainedSecrets }),
      explain: (state, inputs, now) => load().explain?.(state, inputs, now),
    },
  };
}

/**
 * The base of every resource: what `pulumi.dynamic.Resource` does, without serialising a closure. `__provider` is a
 * constant text, so neither a new release nor another compiler ever shows as a change.
 */
export abstract class DynamicResource extends pulumi.CustomResource {
  /**
   * @param absent outputs that will have no value. A preview takes what the state does not hold for unknown, even when
   * nothing changes, and so everything that depends on it: what is known to be absent is set here instead.
   */
  protected constructor(
    kind: DynamicResourceKind,
    name: string,
    args: Record<string, unknown>,
    opts: pulumi.CustomResourceOptions,
    absent: readonly string[] = [],
  ) {
    const { secretProperties: secrets, outputs: all } = kind.description;
    const present = all.filter((output) => !absent.includes(output));
    const outputs = Object.fromEntries(present.map((output) => [output, undefined]));
    super(
      kind.type,
      name,
      { ...outputs, ...args, ...sensitivity(args, secrets), __provider: kind.provider },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: [...secrets], ...hooksFor(kind, opts) }),
    );
    if (absent.length === 0) return;
    const none = pulumi.output(undefined);
    for (const output of absent) Object.assign(this, { [output]: none });
  }
}

/** A resource that is only read (`get`) is never created or updated. */
function hooksFor(kind: DynamicResourceKind, opts: pulumi.CustomResourceOptions): pulumi.CustomResourceOptions {
  if (opts.id !== undefined || kind.explainer === undefined) return {};
  const hook = reasonHook(kind.type, kind.explainer);
  return hook === undefined ? {} : { hooks: { beforeCreate: [hook], beforeUpdate: [hook] } };
}

/** Facts of a CA that a leaf passes on: public whatever they come from. */
const publicProperties: readonly string[] = ["caCertPem", "caValidTo", "caNameConstraints"];

/**
 * Names the arguments that are not secret anyway and hold a secret: what is derived from them must be secret too, and no
 * failure may quote them.
 */
function sensitivity(args: Record<string, unknown>, secrets: readonly string[]): Record<string, unknown> {
  const others = Object.entries(args).filter(([name]) => !secrets.includes(name) && !publicProperties.includes(name));
  const outputs = others.flatMap(([name, value]) => collectOutputs(value).map((output) => ({ name, output })));
  // plain data can't be secret, and every property costs the program promises
  if (outputs.length === 0) return {};
  const marks = Promise.all(outputs.map(async ({ name, output }) => ((await pulumi.isSecret(output)) ? name : "")));
  return { [SENSITIVE]: marks.then(listNames) };
}

function listNames(names: readonly string[]): readonly string[] | undefined {
  const list = [...new Set(names.filter((name) => name !== ""))].sort();
  return list.length === 0 ? undefined : list;
}

/** The outputs and promises inside of a value; what an output itself holds, it answers for. */
function collectOutputs(value: unknown): readonly pulumi.Output<unknown>[] {
  if (typeof value !== "object" || value === null || pulumi.Resource.isInstance(value)) return [];
  if (pulumi.Output.isInstance(value)) return [value];
  if (value instanceof Promise) return [pulumi.output(value)];
  return Object.values(value).flatMap(collectOutputs);
}

/** Whether `value` is a resource of the given kind, also one made by another copy of this package. */
export function isResourceOfKind(value: unknown, kind: DynamicResourceKind): boolean {
  return (
    pulumi.CustomResource.isInstance(value) &&
    (value as unknown as { __pulumiType?: unknown }).__pulumiType === kind.type
  );
}

/** The names of those optional arguments that are not given. */
export function absentFrom(args: object, optional: readonly string[]): readonly string[] {
  return optional.filter((name) => (args as Record<string, unknown>)[name] === undefined);
}
