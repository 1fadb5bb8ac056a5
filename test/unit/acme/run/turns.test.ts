import { expect, it } from "vitest";
import { Turns, TurnsByName } from "../../../../provider/src/acme/run/turns";

/** Work that ends when told. */
function gate(log: string[], name: string): { work: () => Promise<string>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const work = async () => {
    log.push(`${name} begins`);
    await opened;
    log.push(`${name} ends`);
    return name;
  };
  return { work, open };
}

it("lets so many work at once and the others follow in their order", async () => {
  const log: string[] = [];
  const turns = new Turns(2);
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => gate(log, name)) as [Gate, Gate, Gate, Gate];
  const all = [a, b, c, d].map(({ work }) => turns.take(work));
  await new Promise(setImmediate);
  expect(log).toEqual(["a begins", "b begins"]);
  b.open();
  await all[1];
  await new Promise(setImmediate);
  expect(log.slice(2)).toEqual(["b ends", "c begins"]);
  for (const { open } of [a, c, d]) open();
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
  expect(turns.isIdle(2)).toBe(true);
});

type Gate = ReturnType<typeof gate>;

it("goes on after work that failed, and lets go who is told to while waiting", async () => {
  const turns = new Turns(1);
  const abort = new AbortController();
  const first = gate([], "first");
  const working = turns.take(first.work);
  const waiting = turns.take(async () => "never", abort.signal);
  const failing = turns.take(async () => {
    throw new Error("failed");
  });
  abort.abort(new Error("stop"));
  await expect(waiting).rejects.toThrow("stop");
  first.open();
  await working;
  await expect(failing).rejects.toThrow("failed");
  await expect(turns.take(async () => "x", abort.signal)).rejects.toThrow("stop");
  expect(await turns.take(async () => "next")).toBe("next");
});

it("keeps names apart", async () => {
  const log: string[] = [];
  const turns = new TurnsByName();
  const [a, b, c] = ["a", "b", "c"].map((name) => gate(log, name)) as [Gate, Gate, Gate];
  const all = [turns.take("x", a.work), turns.take("x", b.work), turns.take("y", c.work)];
  await new Promise(setImmediate);
  expect(log).toEqual(["a begins", "c begins"]);
  for (const { open } of [a, b, c]) open();
  await Promise.all(all);
  expect(log.indexOf("b begins")).toBeGreaterThan(log.indexOf("a ends"));
});
