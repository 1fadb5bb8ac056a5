// Guards: objects of a cluster. They are judged as an API server judges them, by the published resources of the Gateway API.
import { spawnSync } from "node:child_process";
import type { KubernetesObject } from "../../../provider/src/gateway/kubernetes/objects";

/** A line for each object that an API server with this release of the Gateway API would refuse; none: all are taken. */
export function refusedObjects(program: string, release: string, objects: readonly object[]): readonly string[] {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const limits = { maxBuffer: 256 * 1024 * 1024, timeout: 120_000 };
  const { status, stdout, stderr } = spawnSync(program, [release], { input, encoding: "utf8", ...limits });
  const lines = stdout.trim().split("\n");
  const sum = lines.pop() ?? "";
  const judged = /^(\d+) objects, (\d+) refused$/.exec(sum);
  if ((status !== 0 && status !== 1) || judged?.[1] !== String(objects.length)) {
    throw new Error(`kubernetes-validator ${release}: exit status ${status}: ${stderr || sum}`);
  }
  return lines;
}

/** A copy of the first object of that kind with another value at a path such as `spec.rules.0.matches`; none: removed. */
export function spoiled(objects: readonly KubernetesObject[], kind: string, path: string, value?: unknown): object {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`no ${kind} among ${objects.length} objects`);
  const copy = structuredClone(found);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce<object>((inner, key) => {
    const next = (inner as Readonly<Record<string, unknown>>)[key];
    if (typeof next !== "object" || next === null) throw new Error(`${kind}: nothing at ${path}`);
    return next;
  }, copy);
  if (value === undefined) delete (parent as Record<string, unknown>)[last];
  else (parent as Record<string, unknown>)[last] = value;
  return copy;
}
