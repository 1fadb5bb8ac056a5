// Guards: an install script that is tried on the system's own server: every program it calls stands in a folder of ours.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** Where a server is to live. */
interface ServerPlaces {
  /** Of its own. */
  readonly folder: string;
  /** Before anything is installed it answers "own" here, by plain HTTP. */
  readonly ownPort: number;
  /** A free port, for a socket of administrators and the like. */
  readonly sparePort: number;
}

/** A server of some kind as an administrator has set it up, before we come. */
export interface InstalledServer {
  /** Options of the kind: of the program, and where its files are; no commands. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Beside PATH. */
  readonly environment: Readonly<Record<string, string>>;
  /** The programs by name, as lines of shell, which the commands of the kind find before those of the system. */
  readonly programs: Readonly<Record<string, string>>;
  /** The server's own file, in the place of which the entry comes. */
  readonly replaced?: string;
  /** Starts it, in the background. */
  readonly start: readonly string[];
  readonly stop: () => Promise<void>;
  /** A file of somebody else's, which only the check of the server's whole configuration refuses. */
  readonly foreign?: { readonly path: string; readonly text: string; readonly message: RegExp };
  /** What is said when a port is another program's. */
  readonly taken: RegExp;
}

/** How a kind of server is tried. */
export interface InstallServer {
  /** Name in `gatewayKinds`. */
  readonly kind: string;
  /** Whether WebSockets outlive a reload. */
  readonly keepsTunnels: boolean;
  /** Whether a reload may close new connections before their request is read. */
  readonly resetsWaiting?: true;
  /** Writes its files. */
  readonly lay: (places: ServerPlaces) => InstalledServer;
}

/** The commands that the packaged unit of a server has, for machines with systemd. */
const unitCommands: Readonly<Record<string, string>> = {
  nginx: "nginx -s reload",
  haproxy: 'kill -USR2 "$(head -n 1 "$folder/haproxy.pid")"',
  apache: "apache2ctl graceful",
  caddy: "false",
};

/**
 * Makes `<folder>/bin` with the programs and a `systemctl` that plays the unit's reload and writes down its words; gives the
 * environment in which they are found.
 */
export function layPrograms(
  kind: string,
  folder: string,
  { programs, environment }: InstalledServer,
): Readonly<Record<string, string>> {
  const systemctl = [
    `folder=${folder}`,
    'echo "$@" >>"$folder/systemctl.log"',
    `case $1 in daemon-reload) ;; reload | reload-or-restart) ${unitCommands[kind]} ;; *) exit 1 ;; esac`,
  ];
  mkdirSync(join(folder, "bin"));
  for (const [name, lines] of Object.entries({ ...programs, systemctl: systemctl.join("\n") })) {
    writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }
  return { ...environment, PATH: `${join(folder, "bin")}:${process.env.PATH}` };
}

/** Starts a server that goes into the background when it serves. */
export function startInBackground(
  { start: [program = "", ...args] }: InstalledServer,
  environment: Readonly<Record<string, string>>,
): void {
  const env = { ...process.env, ...environment };
  // its descendants keep what they are given: nothing to wait for
  execFileSync("sh", ["-c", 'exec "$0" "$@"', program, ...args], { env, stdio: "ignore" });
}

/** Ends the process of a pid file, of which there may be several lines, and waits until it is gone. */
export async function stopByPidFile(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const pid = Number(readFileSync(path, "utf8").split("\n", 1)[0]);
  for (let tries = 0; tries < 500 && signal(pid, tries === 250 ? "SIGKILL" : tries === 0 ? "SIGTERM" : 0); tries++) {
    await pause(20);
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return pid > 1 && process.kill(pid, name) && !isZombie(pid);
  } catch {
    return false;
  }
}

/** In a container nobody may ask after what has ended. */
function isZombie(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && /\) Z /.test(readFileSync(path, "utf8"));
}
