// Guards: a state of another release, or a preview that knows little, that stops a run or changes what is stored.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decoded, texts } from "../../../provider/src/lifecycle/decoder";
import { type Properties, UNKNOWN } from "../../../provider/src/lifecycle/lifecycle";

const seen: unknown[] = [];

const lifecycle = decoded(
  {
    inputs: z.object({ name: z.string(), hostnames: texts.exactOptional() }),
    state: z.object({ name: z.string(), count: z.number(), record: z.object({ at: z.string() }) }),
  },
  {
    name: "Example",
    outputs: ["name", "count"],
    secretProperties: [],
    policyProperties: ["hostnames"],
    computedProperties: (state) => Object.keys(state),
    check: (olds) => {
      seen.push(olds);
      return { inputs: {} };
    },
    isDue: (state, inputs) => {
      seen.push(state, inputs);
      return false;
    },
    explain: (state, inputs) => {
      seen.push(state, inputs);
      return undefined;
    },
    create: async (inputs) => {
      seen.push(inputs);
      return { id: inputs.name, outputs: {} };
    },
    update: async (_id, state, inputs) => {
      seen.push(state, inputs);
      return {};
    },
  },
);

/** What the typed lifecycle was called with. */
async function calledWith(call: () => unknown): Promise<readonly unknown[]> {
  seen.length = 0;
  await call();
  return [...seen];
}

const now = new Date("2026-11-23T00:00:00Z");

describe("decoded", () => {
  it("takes a stored value of another type for absent, and one that it does not know for nothing", async () => {
    const state: Properties = { name: 7, count: 3, record: null, later: "of another release" };
    expect(await calledWith(() => lifecycle.update("id", state, { name: "a", other: 1 }, { now }))).toEqual([
      { count: 3 },
      { name: "a" },
    ]);
  });

  it("passes the very value that is stored, with the parts that no schema knows", async () => {
    const record = { at: "2026-11-23", more: "of a later release" };
    const [state] = await calledWith(() => lifecycle.update("id", { record }, { name: "a" }, { now }));
    expect((state as { readonly record: unknown }).record).toBe(record);
  });

  it("keeps unknown values where a preview decides, and never hands one to an effect", async () => {
    const inputs = { name: UNKNOWN, hostnames: ["a.test"] };
    expect(await calledWith(() => lifecycle.explain?.({ name: UNKNOWN }, inputs, now))).toEqual([
      { name: UNKNOWN },
      inputs,
    ]);
    expect(await calledWith(() => lifecycle.isDue?.({ name: UNKNOWN }, inputs, now))).toEqual([{}, inputs]);
    expect(await calledWith(() => lifecycle.check({ hostnames: UNKNOWN }, {}, now))).toEqual([{ hostnames: UNKNOWN }]);
    await expect(lifecycle.create(inputs, { now })).rejects.toThrow("Example: name is not what check returns");
  });

  it("lets a creation without a state be explained", async () => {
    expect(await calledWith(() => lifecycle.explain?.(undefined, {}, now))).toEqual([undefined, {}]);
  });

  it("has only the steps that the typed lifecycle has", () => {
    expect(Object.keys(lifecycle)).not.toContain("refresh");
    expect(lifecycle.delete).toBeUndefined();
    expect(lifecycle.computedProperties({ name: "a", count: "3" })).toEqual(["name"]);
  });
});
