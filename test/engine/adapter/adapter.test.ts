// Each rule of the adapter (docs/design/engine.md) against the real engine, with a lifecycle made for it.
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { isLong } from "../../support/tier";

const probePath = join(programFolder, "test/support/engine/probe.cjs");
const SECRET = "correct-horse-battery";

class Probe extends pulumi.CustomResource {
  declare readonly derived: pulumi.Output<string>;
  declare readonly made: pulumi.Output<string>;
  declare readonly key: pulumi.Output<string>;
  constructor(name: string, args: Record<string, unknown>, opts?: pulumi.CustomResourceOptions, provider = "probe") {
    const text = `exports.handler = () => require(${JSON.stringify(probePath)}).${provider};`;
    const placeholders = { derived: undefined, made: undefined, key: undefined };
    super("pulumi-nodejs:dynamic/tls-gateway:Probe", name, { ...placeholders, ...args, __provider: text }, opts);
  }
}

let engine: EngineStack;
let args: Record<string, unknown>;
let provider: string;
let opts: pulumi.CustomResourceOptions;

/** Most tests begin after a first up: it is run once, and its state is brought back. */
let toEmpty: () => void;
let toApplied: () => void;

const usual = () => ({ text: "one", kind: "a", word: pulumi.secret(SECRET) });

beforeAll(async () => {
  engine = await EngineStack.create("adapter", async () => {
    const probe = new Probe("p", args, opts, provider);
    return { derived: probe.derived, made: probe.made, key: probe.key };
  });
  toEmpty = engine.keepState();
  [provider, opts, args] = ["probe", {}, usual()];
  await engine.up();
  toApplied = engine.keepState();
});

beforeEach(() => {
  toEmpty();
  [provider, opts, args] = ["probe", {}, usual()];
});

// the state's history and backups lie in the folder too, so nothing that a test left is missed
afterEach(async () => expect(await engine.leaks([SECRET], "")).toEqual([]));
afterAll(async () => {
  const leaks = await engine.leaks([SECRET]);
  engine.remove();
  expect(leaks).toEqual([]);
});

describe("state", () => {
  it("holds inputs and what the effect made, no policy, no undefined, and each secret as a cipher", async () => {
    args.policy = 3;
    await engine.up();
    const outputs = await engine.outputs();
    expect(outputs.made).toEqual({ value: "first", secret: false });
    expect(outputs.key?.secret).toBe(true);
    const { p } = engine.resources();
    expect(Object.keys(p?.outputs ?? {}).sort()).toEqual(
      ["__provider", "derived", "key", "kind", "made", "nested", "text", "word"].sort(),
    );
    expect(p?.outputs.nested).toEqual({});
    for (const name of ["key", "word"]) expect(p?.outputs[name]).toHaveProperty("ciphertext");
    expect(p?.inputs.word).toHaveProperty("ciphertext");
  });

  it("is the same at the second run", async () => {
    toApplied();
    const second = await engine.up();
    expect(second.changes).toEqual({ same: 1 });
    expect((await engine.preview({ expectNoChanges: true })).changes).toEqual({ same: 1 });
  });

  it("keeps every secret a cipher through update and refresh", async () => {
    toApplied();
    args.text = "two";
    await engine.up();
    await engine.refresh();
    const { p } = engine.resources();
    for (const name of ["key", "word"]) expect(p?.outputs[name]).toHaveProperty("ciphertext");
    expect((await engine.up()).changes).toEqual({ same: 1 });
  });
});

describe("diff", () => {
  it("lists what differs, the derived text among it", async () => {
    toApplied();
    args.text = "two";
    const { steps, changes } = await engine.preview();
    expect(changes).toEqual({ update: 1 });
    expect(Object.keys(steps[0]?.detailedDiff ?? {}).sort()).toEqual(["derived", "text"]);
    await engine.up();
    expect(engine.resources().p?.outputs.derived).toBe("derived from two");
  });

  it("lists the same after runs without changes: the mark of those is invisible", async () => {
    toApplied();
    await engine.up();
    await engine.up();
    expect(engine.resources().p?.inputs).toHaveProperty("__unchanged");
    args.text = "two";
    const { steps } = await engine.preview();
    expect(Object.keys(steps[0]?.detailedDiff ?? {}).sort()).toEqual(["derived", "text"]);
    expect([...(steps[0]?.diffs ?? [])].sort()).toEqual(["derived", "text"]);
  });

  it("updates nothing for policy alone, and keeps outputs known", async () => {
    toApplied();
    args.policy = 5;
    expect((await engine.up()).changes).toEqual({ same: 1 });
    expect(engine.resources().p?.inputs.policy).toBe(5);
  });

  it("brings back an output that an earlier release lost", async () => {
    toApplied();
    provider = "careless";
    args.text = "two";
    expect((await engine.up()).changes).toEqual({ same: 1 });
    expect(engine.resources().p?.outputs.derived).toBe("derived from one");
    provider = "probe";
    expect((await engine.up()).changes).toEqual({ update: 1 });
    expect(engine.resources().p?.outputs.derived).toBe("derived from two");
    expect((await engine.up()).changes).toEqual({ same: 1 });
  });

  it("replaces where the lifecycle says so", async () => {
    toApplied();
    args.kind = "b";
    const { steps } = await engine.preview();
    expect(steps.map((step) => step.op)).toContain("replace");
    expect((await engine.up()).changes).toMatchObject({ replace: 1 });
  });

  it("updates what is due though no input differs", async () => {
    toApplied();
    args.due = true;
    expect((await engine.preview()).changes).toEqual({ update: 1 });
  });
});

describe("failure half way", () => {
  for (const operation of isLong ? ["create", "update"] : ["create"]) {
    it(`of ${operation} is remembered, told with its message, and finished by the next run`, async () => {
      if (operation === "update") toApplied();
      args.fail = operation;
      args.text = "two";
      expect(await engine.failure(() => engine.up())).toContain("half way");
      const { p } = engine.resources();
      expect(p?.outputs).toHaveProperty("__provider");
      expect(p?.outputs.key).toHaveProperty("ciphertext");
      delete args.fail;
      expect((await engine.up()).changes).toEqual({ update: 1 });
      const { p: finished } = engine.resources();
      expect(finished?.outputs.made).toBe(operation === "create" ? "after 1" : "after 2");
      expect((await engine.up()).changes).toEqual({ same: 1 });
    });
  }

  for (const operation of isLong ? ["create", "update"] : ["update"]) {
    it(`of ${operation} stays due after a refresh`, async () => {
      if (operation === "update") toApplied();
      args.fail = operation;
      args.text = "two";
      await engine.failure(() => engine.up());
      await engine.refresh();
      delete args.fail;
      expect((await engine.preview()).changes).toEqual({ update: 1 });
      await engine.up();
      expect((await engine.up()).changes).toEqual({ same: 1 });
    });
  }
});

describe("check", () => {
  it("refuses with its reason and never with a value", async () => {
    args.fail = "refuse";
    const text = await engine.failure(() => engine.preview());
    expect(text).toContain("word: is not what was expected. Hint: give another.");
  });

  it("turns a bug into a failure that names place and class, not the message", async () => {
    args.fail = "throw";
    const text = await engine.failure(() => engine.preview());
    expect(text).toMatch(/a bug in pulumi-tls-gateway: Error at .*check/);
    expect(text).not.toContain("hidden");
  });

  it("makes secret what it derives from a secret", async () => {
    args.text = pulumi.secret(`text with ${SECRET}`);
    args.__sensitive = ["text"];
    await engine.up();
    const outputs = await engine.outputs();
    expect(outputs.derived).toEqual({ value: `derived from text with ${SECRET}`, secret: true });
    await engine.refresh();
    expect(engine.resources().p?.outputs.derived).toHaveProperty("ciphertext");
    expect((await engine.up()).changes).toEqual({ same: 1 });
  });
});

describe("refresh", () => {
  it("changes nothing, and the run after it neither", async () => {
    args.policy = 3;
    await engine.up();
    await engine.up();
    const before = Object.entries(engine.resources().p?.outputs ?? {});
    expect((await engine.refresh()).changes).toEqual({ refresh: 1 });
    const after = engine.resources().p?.outputs ?? {};
    expect(Object.keys(after).sort()).toEqual(before.map(([name]) => name).sort());
    // a cipher is new each time
    for (const [name, value] of before) if (typeof value === "string") expect(after[name]).toBe(value);
    expect((await engine.up({ refresh: true })).changes).toMatchObject({ same: 1 });
  });
});

describe("unknown input", () => {
  it("is left alone by a preview, and what depends on it is unknown", async () => {
    const other = await EngineStack.create("unknown", async () => {
      const first = new Probe("first", { text: "one", kind: "a" });
      const second = new Probe("second", { text: first.made, kind: "a" });
      return { derived: second.derived };
    });
    try {
      expect((await other.preview()).changes).toEqual({ create: 2 });
      await other.up();
      expect(other.resources().second?.outputs.derived).toBe("derived from first");
      expect((await other.up()).changes).toEqual({ same: 2 });
    } finally {
      other.remove();
    }
  });
});

describe("destroy", () => {
  it("removes what the state holds", async () => {
    toApplied();
    expect((await engine.destroy()).changes).toEqual({ delete: 1 });
    expect(engine.resources()).not.toHaveProperty("p");
  });
});
