import { afterEach, describe, expect, it, test, vi } from "vitest";
import { AS_OF } from "../../../provider/src/adapter/clock";
import { createDynamicProvider, SENSITIVE } from "../../../provider/src/adapter/dynamic-provider";
import { TlsError } from "../../../provider/src/errors";
import { failureOf } from "../../../provider/src/lifecycle/input/parse";
import { type Lifecycle, type Properties, UNKNOWN, UnfinishedError } from "../../../provider/src/lifecycle/lifecycle";

const mark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const envelope = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };
const wrapped = (value: unknown) => ({ ...envelope, value });
const text = "exports.handler = 1;";

/** `text` shows in the output `derived`; `word` is secret, `policy` moves nothing, `made` is what only the effect knows. */
const probe: Lifecycle = {
  name: "Probe",
  outputs: ["made", "key", "derived"],
  secretProperties: ["word", "key"],
  policyProperties: ["policy"],
  computedProperties: () => ["made", "key"],
  check: (_olds, news) => ({
    inputs: { ...news, derived: news.text === UNKNOWN ? UNKNOWN : `of ${news.text}`, nothing: undefined },
  }),
  replaces: (state, inputs) => (state.kind === inputs.kind ? [] : ["kind"]),
  isDue: (state) => state.due === true,
  create: async () => ({ id: "id", outputs: { made: "first", key: "k", gone: undefined } }),
  update: async (_id, state) => ({ made: `after ${state.made}`, key: "k" }),
};

function providerOf(change: Partial<Lifecycle> = {}) {
  return createDynamicProvider(() => ({ ...probe, ...change }));
}

function checkThat(check: Lifecycle["check"]) {
  return providerOf({ check }).check({}, {});
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("check", () => {
  const provider = providerOf();

  it("returns what the lifecycle derives, secrets in envelopes, unknown values as the mark, nothing undefined", async () => {
    expect(await provider.check({}, { text: "a", word: "w", kind: mark, __provider: text })).toStrictEqual({
      inputs: { text: "a", word: wrapped("w"), kind: mark, derived: "of a" },
    });
  });

  it("wraps everything once an argument that is no known secret was one, and keeps the mark of that", async () => {
    expect(await provider.check({}, { text: "a", [SENSITIVE]: ["text"] })).toStrictEqual({
      inputs: { text: wrapped("a"), derived: wrapped("of a"), [SENSITIVE]: ["text"] },
    });
  });

  it("quotes nothing of an argument that holds a secret, and tells of the others as ever", async () => {
    const failures = [
      { property: "text", path: "text[2].name", reason: 'found "hunter2", expected a word' },
      { property: "other", path: "other", reason: 'found "open"' },
      { path: 'site "text", binds', reason: "no" },
    ];
    const refusing = providerOf({ check: () => ({ failures }) });
    const { failures: told = [] } = await refusing.check({}, { text: ["hunter2"], [SENSITIVE]: ["text"] });
    expect(told.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(
        /^text\[2\]\.name: is refused\. What was found is not told, since it is or holds a secret\. Hint: /,
      ),
      'other: found "open".',
      'site "text", binds: no.',
    ]);
    expect(JSON.stringify(told)).not.toContain("hunter2");
  });

  it("quotes no secret in the failure of another argument, or of several", async () => {
    const failures = [
      { property: "other", path: "other", reason: 'differs from "hunter2"', hint: "leave hunter2 out" },
      { path: "", reason: "4711 and hunter2 exclude each other." },
    ];
    const refusing = providerOf({ check: () => ({ failures }) });
    const news = { text: [{ deep: "hunter2" }], word: 4711, [SENSITIVE]: ["text", "word"] };
    expect((await refusing.check({}, news)).failures?.map(({ reason }) => reason)).toEqual([
      'other: differs from "[secret]". Hint: leave [secret] out.',
      "[secret] and [secret] exclude each other.",
    ]);
  });

  it("marks inputs that are those of the last run, whatever their order, by a null that the engine takes for absent", async () => {
    const olds = { derived: "of a", text: "a", __provider: text };
    expect((await provider.check(olds, { text: "a" })).inputs).toHaveProperty("__unchanged", null);
    expect((await provider.check({ ...olds, __unchanged: null }, { text: "a" })).inputs).toHaveProperty("__unchanged");
    expect((await provider.check(olds, { text: "b" })).inputs).not.toHaveProperty("__unchanged");
  });

  it("gives the lifecycle neither the engine's properties nor nulls", async () => {
    let seen: unknown;
    const spy = providerOf({
      check: (olds, news) => {
        seen = { olds, news };
        return { inputs: {} };
      },
    });
    await spy.check(
      { a: 1, __unchanged: null, __provider: text },
      { b: null, c: [mark], [SENSITIVE]: ["text"], __provider: text },
    );
    expect(seen).toEqual({ olds: { a: 1 }, news: { c: UNKNOWN } });
  });

  it("tells failures without a property, whose value the engine would print, thirty at most", async () => {
    const failures = Array.from({ length: 100 }, (_, index) => failureOf(`a[${index}]`, "is wrong"));
    const answer = await checkThat(() => ({ failures }));
    expect(answer.failures).toHaveLength(31);
    expect(answer.failures?.[0]).toEqual({ property: "", reason: "a[0]: is wrong." });
    expect(answer.failures?.at(-1)).toEqual({ property: "", reason: "and 70 more." });
  });

  it("never throws: an unforeseen error is a failure that tells its place and not its message", async () => {
    const { failures } = await checkThat(() => {
      throw new RangeError("hunter2");
    });
    expect(failures).toEqual([
      { property: "", reason: expect.stringMatching(/^a bug in pulumi-tls-gateway: RangeError at /) },
    ]);
    expect(failures?.[0]?.reason).not.toContain("hunter2");
    const other = await checkThat(() => {
      throw "hunter2";
    });
    expect(other.failures).toHaveLength(1);
    expect(JSON.stringify(other)).not.toContain("hunter2");
  });

  it("decides as of the day that the environment names, and says so when that is none", async () => {
    let seen: Date | undefined;
    const check: Lifecycle["check"] = (_olds, _news, now) => {
      seen = now;
      return { inputs: {} };
    };
    vi.stubEnv(AS_OF, "2030-01-01");
    await checkThat(check);
    expect(seen?.toISOString()).toBe("2030-01-01T00:00:00.000Z");
    vi.stubEnv(AS_OF, "never");
    expect((await checkThat(check)).failures?.[0]?.reason).toMatch(/^CLOCK_SET/);
  });

  test.each<[string, object, RegExp]>([
    ["properties", Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, 1])), /^arguments: found 300/],
    ["entries", { list: Array(3000).fill(1) }, /^list: found 3000 entries/],
    ["levels", { deep: Array.from({ length: 5000 }).reduce((inner) => [inner], 1) }, /^deep\[0\].*more than 32 levels/],
  ])("refuses too many %s before anything looks at them", async (_, news, reason) => {
    const { failures } = await provider.check({}, news as Record<string, unknown>);
    expect(failures).toEqual([{ property: "", reason: expect.stringMatching(reason) }]);
  });
});

describe("diff decides in this order", () => {
  const state = { text: "a", kind: "k", derived: "of a", made: "first", key: "k", __provider: text };
  const inputs = { text: "a", kind: "k", derived: "of a", __provider: text };

  test.each<[string, object, object, boolean | undefined]>([
    ["nothing differs: no change", {}, {}, false],
    ["only policy differs: no change", {}, { policy: 5 }, false],
    ["an input differs: the engine compares", {}, { text: "b", derived: "of b" }, undefined],
    ["an output of check differs: the engine compares", {}, { derived: "other" }, undefined],
    ["an input is new: the engine compares", {}, { more: 1 }, undefined],
    ["an input is gone: the engine compares", { more: 1 }, {}, undefined],
    ["an input is unknown: the engine compares", {}, { text: mark }, undefined],
    ["null and absent are the same", { more: null }, {}, false],
    ["the state is unfinished: a change, whatever else", { __unfinished: true }, {}, true],
    ["it is due: a change, though nothing differs", { due: true }, { due: true }, true],
    [
      "the inputs are the old ones but the state differs, which was lost: a change",
      { derived: "lost" },
      { __unchanged: null },
      true,
    ],
    ["the inputs are the old ones, and so is the state: no change", {}, { __unchanged: null }, false],
    ["what only the effect knows differs: no change", { made: "later" }, {}, false],
  ])("%s", async (_, olds, news, changes) => {
    expect(await providerOf().diff("id", { ...state, ...olds }, { ...inputs, ...news })).toEqual({
      changes,
      replaces: [],
    });
  });

  it("and tells what replaces beside each of them", async () => {
    for (const olds of [{}, { __unfinished: true }, { due: true }]) {
      const { replaces } = await providerOf().diff("id", { ...state, ...olds }, { ...inputs, kind: "other" });
      expect(replaces).toEqual(["kind"]);
    }
  });
});

describe("create and update", () => {
  const inputs = { text: "a", word: "w", policy: 5, nothing: null, __provider: text, __unchanged: null };

  it("return the whole state: inputs but policy, what was made; secrets wrapped, nothing undefined", async () => {
    expect(await providerOf().create(inputs)).toStrictEqual({
      id: "id",
      outs: { text: "a", word: wrapped("w"), nothing: null, made: "first", key: wrapped("k") },
    });
    expect(await providerOf().update("id", { made: "first" }, inputs)).toStrictEqual({
      outs: { text: "a", word: wrapped("w"), nothing: null, made: "after first", key: wrapped("k") },
    });
  });

  it.each(["create", "update"] as const)("show no secret of an argument when it fails: %s", async (step) => {
    const fail = async () => {
      throw new TlsError("ACME_CHALLENGE", 'the program "hunter2" failed', { hint: "Run hunter2 by hand." });
    };
    const failing = providerOf({ [step]: fail });
    const given = { ...inputs, text: ["hunter2"], [SENSITIVE]: ["text"] };
    const run = step === "create" ? failing.create(given) : failing.update("id", {}, given);
    await expect(run).rejects.toThrow('ACME_CHALLENGE: the program "[secret]" failed Hint: Run [secret] by hand.');
    const unfinished = providerOf({
      create: async () => {
        throw new UnfinishedError("id", {}, new Error("hunter2 failed"));
      },
    });
    await expect(unfinished.create(given)).rejects.toMatchObject({ reasons: ["[secret] failed"] });
  });

  it("wrap all of it once an argument was a secret", async () => {
    const { outs } = await providerOf().create({ ...inputs, [SENSITIVE]: ["text"] });
    expect(outs).toMatchObject({ text: wrapped("a"), made: wrapped("first"), [SENSITIVE]: ["text"] });
  });

  it("refuse while another day is set, before anything is done", async () => {
    vi.stubEnv(AS_OF, "2030-01-01");
    const create = vi.fn(probe.create);
    const update = vi.fn(probe.update);
    const provider = providerOf({ create, update });
    await expect(provider.create(inputs)).rejects.toThrow(/^CLOCK_SET: creating a Probe: refused/);
    await expect(provider.update("id", {}, inputs)).rejects.toThrow(/^CLOCK_SET: updating a Probe: refused/);
    expect(create).not.toHaveBeenCalled();
    expect(update).not.toHaveBeenCalled();
  });

  it("that fail half way throw what the engine needs to remember: id, properties, reasons", async () => {
    const create = async (_: Properties): Promise<never> => {
      throw new UnfinishedError("half", { key: "k", gone: undefined }, new Error("the line was cut"));
    };
    const failure = await providerOf({ create })
      .create(inputs)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure).toMatchObject({
      message: expect.stringContaining("the line was cut"),
      id: "half",
      reasons: [expect.stringContaining("the line was cut")],
    });
    const { properties } = failure as { properties: Record<string, unknown> };
    expect(properties).toMatchObject({ __provider: text, key: wrapped("k"), word: wrapped("w") });
    expect(Object.keys(properties)).toContain("__unfinished");
    expect(Object.values(properties)).not.toContain(undefined);
  });

  it("that fail otherwise tell a foreseen error whole, and of any other its class only", async () => {
    const failing = (error: unknown) =>
      providerOf({
        create: async () => {
          throw error;
        },
      }).create(inputs);
    await expect(failing(new TlsError("KEY_INVALID", "is no key", { hint: "Give one." }))).rejects.toThrow(
      "KEY_INVALID: is no key Hint: Give one.",
    );
    const unforeseen = (await failing(new TypeError("hunter2")).catch((error: unknown) => error)) as Error;
    expect(unforeseen.message).toMatch(/TypeError/);
    expect(unforeseen.message).not.toContain("hunter2");
  });
});

describe("read", () => {
  const state = { text: "a", word: "w", made: "first", key: "k", derived: "of a", __provider: text };

  it("returns the state with its secrets wrapped, and as inputs all that the effect did not make", async () => {
    expect(await providerOf().read("id", state)).toStrictEqual({
      id: "id",
      props: { ...state, word: wrapped("w"), key: wrapped("k") },
      inputs: { text: "a", word: wrapped("w"), derived: "of a" },
    });
  });

  it("keeps the mark of an unfinished state, which a refresh would clear", async () => {
    const { props, inputs } = await providerOf().read("id", { ...state, __unfinished: true });
    expect(props).toHaveProperty("__unfinished");
    expect(inputs).not.toHaveProperty("__unfinished");
  });

  it("without a state says what to do instead: an import can't work", async () => {
    await expect(providerOf().read("id", {})).rejects.toThrow(
      /^STATE_INVALID: reading Probe "id": there is no state.*Hint/,
    );
  });
});

describe("delete", () => {
  it("asks the lifecycle, without the engine's properties", async () => {
    const remove = vi.fn(async () => {});
    await providerOf({ delete: remove }).delete("id", { text: "a", __provider: text });
    expect(remove).toHaveBeenCalledWith("id", { text: "a" });
  });

  it("does nothing where nothing exists outside of the state", async () => {
    await expect(providerOf().delete("id", {})).resolves.toBeUndefined();
  });
});

test("a lifecycle is loaded when a method first needs it", async () => {
  const load = vi.fn(() => probe);
  const provider = createDynamicProvider(load);
  expect(load).not.toHaveBeenCalled();
  await provider.delete("id", {});
  expect(load).toHaveBeenCalled();
});
