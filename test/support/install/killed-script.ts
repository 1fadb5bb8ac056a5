// Guards: a script that survives being killed only where nobody tried. Counts the statements that run, and kills at one.
import { spawnSync } from "node:child_process";
import type { Shell } from "./fixture";

/** Kills the shell itself, as SIGKILL or a loss of power does, once so many statements have run. */
const step =
  'step() { came=$?; steps=$((steps + 1)); [ "$steps" != "$KILL_AT" ] || kill -KILL $$; return $came; }\nsteps=0\n';

/**
 * The script with a step after every line of its functions that ends a statement; it ends at the step whose number the
 * environment has as `KILL_AT`, and goes through when there is none with that number.
 */
export function withSteps(shell: Shell, script: string): string {
  const lines = script.split("\n");
  // before it stand the contents, whose lines are no statements
  const first = lines.indexOf(lines.find((line) => line.startsWith("say() {")) ?? "");
  const out = lines.slice(0, first);
  for (let index = first; index < lines.length; index++) {
    const line = lines[index] as string;
    out.push(line);
    const isInside =
      !/^}/.test(line) &&
      line !== "" &&
      !line.startsWith("{ main") &&
      /^[ a-z]/.test(line) &&
      !/^[a-z_]+\(\) .*}$/.test(line);
    if (!isInside || /(&&|\|\||\||\\)$/.test(line)) continue;
    const tried = [step, ...out, "step", ...lines.slice(index + 1)].join("\n");
    if (parses(shell, tried)) out.push("step");
  }
  return step + out.join("\n");
}

function parses([program, ...args]: Shell, script: string): boolean {
  return spawnSync(program, [...args, "-n"], { input: script }).status === 0;
}
