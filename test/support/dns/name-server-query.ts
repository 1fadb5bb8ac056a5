// Guards: records that a test takes for granted. Asks a name server by dig; texts of TXT as zone files have them.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { requirePeer } from "../acme/challenge-test-server";
import type { NameServerPlace } from "./name-server-configuration";

const run = promisify(execFile);

/** The values of a name's records, as dig prints them; of TXT the texts. */
export async function query(
  server: NameServerPlace,
  name: string,
  type: string,
  recursion: "+recurse" | "+norecurse" = "+norecurse",
): Promise<readonly string[]> {
  const lines = (await dig(server, ["+short", recursion, name, type])).split("\n").filter((line) => line !== "");
  return type === "TXT" ? lines.filter((line) => line.startsWith('"')).map(parseText) : lines;
}

/** What dig prints; rejects when nobody answers. */
export async function dig(server: NameServerPlace, args: readonly string[]): Promise<string> {
  const at = [`@${server.address}`, "-p", String(server.port), "+time=2", "+tries=1"];
  return (await run(requirePeer("dig").path, [...at, ...args])).stdout;
}

/** A character-string has 255 octets at the most (RFC 1035 section 3.3). */
export function renderText(text: string): string {
  return (text.match(/.{1,255}/gs) ?? [""]).map((part) => `"${part.replace(/["\\]/g, "\\$&")}"`).join(" ");
}

function parseText(line: string): string {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part = ""]) => part.replace(/\\(.)/g, "$1")).join("");
}
