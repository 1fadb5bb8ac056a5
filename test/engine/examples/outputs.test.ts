// Guards: the summary of `npm run up` showing a secret that stands inside of an output.
import * as pulumi from "@pulumi/pulumi";
import { afterAll, expect, it } from "vitest";
import { readMaskedOutputs } from "../../../scripts/lib/local-stack.mjs";
import { renderOutputs } from "../../../scripts/lib/outputs-summary.mjs";
import { EngineStack } from "../../support/engine/engine";

let engine: EngineStack;

afterAll(() => engine.remove());

it("a summary masks secrets at every depth, and shows the rest", async () => {
  engine = await EngineStack.create("outputs", async () => ({
    up: { key: pulumi.secret("s3cret-1"), deep: [{ list: [pulumi.secret("s3cret-2"), "open"] }] },
    rows: [{ name: "one", key: pulumi.secret("s3cret-3") }],
    whole: pulumi.secret({ key: "s3cret-4" }),
    plain: "shown",
  }));
  await engine.up();
  const outputs = await readMaskedOutputs(engine.stack);
  const text = renderOutputs(outputs);
  expect(text).not.toContain("s3cret");
  expect(JSON.stringify(outputs)).not.toContain("s3cret");
  expect(text).toContain("plain: shown");
  expect(text).toContain("whole: [secret]");
  expect(text).toContain("one");
});
