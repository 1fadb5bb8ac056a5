// Guards: a script of root's that is safe only as long as nobody is quick. Another user's process that swaps files for links, and
// writes into those that it owned before, as fast as it can.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { stranger } from "./root";

/** What the attacker does over and over. */
export interface Attack {
  /** A folder that belongs to him. */
  readonly folder?: string;
  /** Names in it that become a link to `target`, then what they were. */
  readonly names?: readonly string[];
  /** Where links lead to: a folder of root's that he can't enter. */
  readonly target?: string;
  /** Files that belong to him when he begins: he writes into them by path, and by what he opened. */
  readonly files?: readonly string[];
}

/** What the files get. */
export const evilText = "[Service]\nUser=root\n";

/** A process of another user's; `stop` it at the end. */
export class Attacker {
  private constructor(readonly child: ChildProcess) {}

  /** Is at work when this has resolved. */
  static async start(attack: Attack): Promise<Attacker> {
    const program = `(${attackForever.toString()})(${JSON.stringify({ ...attack, evilText, id: stranger.id })})`;
    const child = spawn(process.execPath, ["--input-type=commonjs", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {},
    });
    await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(() => Promise.reject(new Error("the attacker has ended"))),
    ]);
    return new Attacker(child);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, "exit");
    if (this.child.exitCode === null && this.child.kill("SIGKILL")) await ended;
  }
}

/** Runs in a process of its own, of which nothing but this text is known. */
function attackForever(attack: Attack & { readonly evilText: string; readonly id: number }): void {
  const fs = process.getBuiltinModule("node:fs");
  const { folder, names = [], target = "", files = [], evilText: text, id } = attack;
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch {
      // the next round may be luckier
    }
  };
  const opened = files.map((path) => fs.openSync(path, "r+"));
  fs.writeSync(1, "ready\n");
  for (;;) {
    for (const name of names) {
      const path = `${folder}/${name}`;
      attempt(() => fs.renameSync(path, `${path}.mine`));
      attempt(() => fs.symlinkSync(target, path));
      attempt(() => fs.chmodSync(`${path}.mine`, 0o777));
      attempt(() => fs.unlinkSync(path));
      attempt(() => fs.renameSync(`${path}.mine`, path));
    }
    for (const path of files) attempt(() => fs.writeFileSync(path, text, { flag: "r+" }));
    for (const file of opened) attempt(() => fs.writeSync(file, text, 0));
  }
}
