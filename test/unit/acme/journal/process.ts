// A process that takes an order of a journal and does what it is told. argv: home, name, account key file, options.
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { openJournal } from "../../../../provider/src/acme/journal/journal";
import { lockTimes } from "../../../../provider/src/acme/journal/lock";
import { journalFacts, journalKey } from "./fixture";

const [home = "", name = "", keyFile = "", wait = "20"] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const key = journalKey(readFileSync(keyFile, "utf8"), name);
const beats = process.env.TEST_LOCK_TIMES;
const journal = openJournal(home, { lockTimes: beats === undefined ? lockTimes : JSON.parse(beats) });
// a limit of file size, which stands for a full disk, is an error of the call then and not the end
process.on("SIGXFSZ", () => {});

try {
  const entry = await journal.begin(key, journalFacts, {
    signal: new AbortController().signal,
    seconds: Number(wait),
    onWait: (line) => say(`waits: ${line}`),
  });
  say(`has it: ${JSON.stringify({ left: entry.left?.progress, step: entry.left?.step, notes: entry.notes })}`);
  for await (const line of createInterface(process.stdin)) {
    const [command = "", ...words] = line.split(" ");
    const text = words.join(" ");
    if (command === "save") {
      const { step, progress } = JSON.parse(text);
      await entry.save(step, progress);
      say(`saved ${JSON.stringify(entry.notes)}`);
    } else if (command === "returned") {
      await entry.markReturned();
      say(`returned ${JSON.stringify(entry.notes)}`);
    } else if (command === "save-for-ever") {
      const { step, progress } = JSON.parse(text);
      say("saves");
      for (let round = 0; ; round += 1) {
        await entry.save(step, { ...progress, orderUrl: `https://ca.example/order/${round}` });
        if (round === 3) say("goes on");
      }
    } else if (command === "release") {
      await entry.release();
      say("released");
    } else if (command === "block") {
      // no event is served until the file is there, so no beat either
      say("blocks");
      while (!existsSync(text)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      say("goes on");
    }
  }
} catch (error) {
  say(`failed: ${String(error)}`);
}
