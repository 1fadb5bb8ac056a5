// Lifecycles that exist to try the adapter on the real engine; the adapter is the built one.
const { existsSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { createDynamicProvider } = require("../../../provider/dist/adapter/dynamic-provider");
const { UnfinishedError } = require("../../../provider/dist/lifecycle/lifecycle");
const { UNKNOWN } = require("../../../provider/dist/lifecycle/lifecycle");

/** Inputs: text, policy, word (secret), fail ("create" | "update" | "refuse"), due, kind. Output: made, key (secret). */
const probe = {
  name: "Probe",
  secretProperties: ["word", "key"],
  policyProperties: ["policy", "fail", "due"],
  computedProperties: () => ["made", "key", "step", "nested"],
  check(_olds, news) {
    if (news.fail === "throw") throw new Error(`hidden ${news.word}`);
    if (news.fail === "refuse") {
      return {
        failures: [{ property: "word", path: "word", reason: "is not what was expected", hint: "give another" }],
      };
    }
    const derived = news.text === UNKNOWN ? UNKNOWN : `derived from ${news.text}`;
    const drop = news.dropText === true;
    return { inputs: { ...news, derived: drop ? "lost" : derived, nothing: undefined } };
  },
  replaces: (state, inputs) => (state.kind === inputs.kind ? [] : ["kind"]),
  isDue: (_state, inputs) => inputs.due === true,
  explain: (state, inputs) => (state === undefined ? `makes ${inputs.kind}` : `makes ${inputs.kind} again`),
  async create(inputs) {
    const outputs = { made: "first", key: `key of ${inputs.word}`, nothing: undefined, nested: { nothing: undefined } };
    if (inputs.fail === "create") {
      throw new UnfinishedError("probe", { ...outputs, made: undefined, step: 1 }, new Error("half way"));
    }
    return { id: "probe", outputs };
  },
  async update(_id, state, inputs) {
    const outputs = { made: `after ${state.step ?? state.made}`, key: state.key };
    if (inputs.fail === "update") {
      throw new UnfinishedError("probe", { ...state, step: 2, nothing: undefined }, new Error("half way"));
    }
    return outputs;
  },
};

/** As an earlier release that took `derived` for policy: its changes were stored and never shown. */
const careless = { ...probe, policyProperties: [...probe.policyProperties, "text", "derived"] };

/** Input `folder`: writes its process number to `running` there, and is done when somebody has put `go` beside it. */
const slow = {
  ...probe,
  secretProperties: [],
  policyProperties: [],
  computedProperties: () => ["made"],
  check: (_olds, news) => ({ inputs: { ...news } }),
  replaces: () => [],
  async create({ folder }) {
    writeFileSync(join(folder, "running"), String(process.pid));
    while (!existsSync(join(folder, "go"))) await new Promise((resolve) => setTimeout(resolve, 20));
    return { id: "slow", outputs: { made: "late" } };
  },
  update: async () => ({ made: "later" }),
};

exports.slow = createDynamicProvider(() => slow);
exports.probe = createDynamicProvider(() => probe);
exports.careless = createDynamicProvider(() => careless);
exports.lifecycle = probe;
