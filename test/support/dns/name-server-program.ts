// Guards: a name server that starts and answers nobody. BIND and Knot as programs: started, waited for, at a free port.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { requirePeer, type StartedProgram, startProgram } from "../acme/challenge-test-server";

/** BIND with its configuration in a folder of a test. */
export function startBind(folder: string, configuration: string): StartedProgram {
  // Debian's AppArmor profile lets /usr/sbin/named read no folder of a test; it goes by the program's path
  const program = join(folder, "named");
  copyFileSync(requirePeer("named").path, program);
  writeFileSync(join(folder, "named.conf"), configuration, { mode: 0o600 });
  // in the foreground, its log on stderr
  return startProgram({ path: program }, ["-g", "-n", "1", "-c", join(folder, "named.conf")]);
}

/** Knot, as {@link startBind}. */
export function startKnot(folder: string, configuration: string): StartedProgram {
  mkdirSync(join(folder, "database"));
  writeFileSync(join(folder, "knot.conf"), configuration, { mode: 0o600 });
  return startProgram(requirePeer("knotd"), ["-c", join(folder, "knot.conf")]);
}

/** Repeats an attempt until it succeeds; the server is stopped when it never does. */
export async function whenReady(
  server: { stop(): Promise<void> },
  program: StartedProgram,
  attempt: () => Promise<void>,
): Promise<void> {
  try {
    await program.until(attempt);
  } catch (error) {
    await server.stop();
    throw error;
  }
}
