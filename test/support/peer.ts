// Guards: a test that needs a program nobody installed. It skips by name here, and fails where PEERS=required (CI).
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

/** A program that is neither ours nor an npm package. */
export interface Peer {
  /** Its absolute path. */
  readonly path: string;
}

/** The program of this name in the folders of TLS_GATEWAY_TOOLS (what the set-up built), else on PATH. */
export function peer(name: string): Peer | undefined {
  const folders = [process.env.TLS_GATEWAY_TOOLS, process.env.PATH].flatMap((list) => list?.split(delimiter) ?? []);
  const path = folders.filter((folder) => folder !== "").map((folder) => join(folder, name));
  const found = path.find(isProgram);
  return found === undefined ? undefined : { path: found };
}

/**
 * A `describe` whose tests get the program. Without it they are skipped by its name, or one test fails by its name when
 * the environment has PEERS=required, unless the program is one that tools/peers.json calls optional.
 */
export function describeWithPeer(
  name: string,
  tests: (peer: Peer) => void,
  options: { readonly isOptional?: true } = {},
): void {
  const found = peer(name);
  if (found !== undefined) {
    describe(`with ${name}`, () => tests(found));
  } else if (process.env.PEERS === "required" && options.isOptional !== true) {
    it(`with ${name}`, () => {
      throw new Error(`${name} is not installed, and PEERS=required`);
    });
  } else {
    it.skip(`with ${name}: not installed`);
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
