// Guards: Caddys that outlive their test, listen beyond loopback or write into the home of whoever runs the tests.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { Peer } from "../peer";

/** What Caddy says of a Caddyfile. */
export interface Verdict {
  readonly isValid: boolean;
  /** Its error, or the JSON it was adapted to. */
  readonly text: string;
}

const run = promisify(execFile);

function environment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    XDG_DATA_HOME: join(folder, "data"),
    XDG_CONFIG_HOME: join(folder, "config"),
  };
}

/** Has Caddy load the Caddyfile, certificates included, without listening ("validate"), or only translate it ("adapt"). */
export async function judgeCaddyfile(
  caddy: Peer,
  folder: string,
  caddyfile: string,
  command = "validate",
): Promise<Verdict> {
  const config = join(folder, "Caddyfile");
  writeFileSync(config, caddyfile);
  const options = { env: environment(folder) };
  try {
    const { stdout } = await run(caddy.path, [command, "--adapter", "caddyfile", "--config", config], options);
    return { isValid: true, text: stdout };
  } catch (error) {
    return { isValid: false, text: error instanceof Error ? error.message : String(error) };
  }
}

/** Starts Caddy; resolves when it serves, rejects with what it wrote when it ends before. */
export async function startCaddy(
  caddy: Peer,
  folder: string,
  caddyfile: string,
): Promise<{ stop: () => Promise<void> }> {
  const config = join(folder, "Caddyfile");
  writeFileSync(config, caddyfile);
  const child = spawn(caddy.path, ["run", "--adapter", "caddyfile", "--config", config], {
    env: environment(folder),
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const written: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => {
      written.push(line);
      if (line.includes("serving initial configuration")) resolve();
    });
    child.once("exit", () => reject(new Error(`Caddy ended:\n${written.join("\n")}`)));
    child.once("error", reject);
  });
  return {
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
