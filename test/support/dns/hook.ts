// Guards: a hook program of dns-01 that outlives its test. It is written for lego's exec provider and hands each record to
// the test, which puts it into the DNS of every Pebble.
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pebble } from "../acme/pebble";

/** One call of the hook. */
interface HookCall {
  readonly action: "present" | "cleanup";
  readonly name: string;
  readonly value: string;
}

/** Holds a call up until it resolves. */
type HookWatcher = (call: HookCall, at: "before" | "after") => Promise<void>;

/** A hook program that serves some Pebbles. */
export interface DnsHook {
  /** The program's path, as a challenge's `command` takes it. */
  readonly command: string;
  readonly calls: readonly HookCall[];
  /** Values of a name that are in place. */
  readonly records: ReadonlyMap<string, ReadonlySet<string>>;
  /** From now on every value is another one. */
  spoil(isSpoilt: boolean): void;
  /** Asked at each call from now on, before the record is changed and when it is but the program does not know. */
  watch(watcher: HookWatcher | undefined): void;
  stop(): Promise<void>;
}

/** Starts what the hook talks to, and writes the program. */
export async function startDnsHook(...pebbles: readonly Pebble[]): Promise<DnsHook> {
  const calls: HookCall[] = [];
  const records = new Map<string, Set<string>>();
  let isSpoilt = false;
  let watcher: HookWatcher | undefined;
  const apply = async ({ action, name, value }: HookCall) => {
    const values = records.get(name) ?? new Set();
    records.set(name, values);
    if (action === "present") values.add(value);
    else values.delete(value);
    for (const pebble of pebbles) {
      await pebble.clearTxt(name);
      for (const each of values) await pebble.setTxt(name, isSpoilt ? `not ${each}` : each);
    }
  };
  let turn: Promise<void> = Promise.resolve();
  const server = createServer((request, response) => {
    const [, action = "", name = "", value = ""] = (request.url ?? "").split("/").map(decodeURIComponent);
    const call = { action: action as HookCall["action"], name: name.replace(/\.$/, ""), value };
    calls.push(call);
    turn = turn
      .then(() => watcher?.(call, "before"))
      .then(() => apply(call))
      .then(() => watcher?.(call, "after"))
      .then(
        () => void response.end("done"),
        (error) => void response.writeHead(500).end(String(error)),
      );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), "dns-hook-"));
  const command = join(folder, "hook");
  const program = `#!${process.execPath}
const [action, name, value] = process.argv.slice(2).map(encodeURIComponent);
fetch(\`http://127.0.0.1:${port}/\${action}/\${name}/\${value}\`).then(async (answer) => {
  if (!answer.ok) { console.error(await answer.text()); process.exitCode = 1; }
});
`;
  writeFileSync(command, program);
  chmodSync(command, 0o700);
  return {
    command,
    calls,
    records,
    spoil: (spoilt) => {
      isSpoilt = spoilt;
    },
    watch: (next) => {
      watcher = next;
    },
    stop: async () => {
      const closed = once(server.close(), "close");
      server.closeAllConnections();
      await closed;
      rmSync(folder, { recursive: true });
    },
  };
}
