import { decodeText, readFileBytes } from "../files/file-bytes";
import type { CommandContext } from "./command";

/** Holds the passphrase where no file does. There is no argument for it: anybody on a machine can read arguments. */
export const PASSPHRASE_VARIABLE = "TLS_GATEWAY_PASSPHRASE";

/**
 * The first line of the file, since editors and `echo` end a file with a line break; without a file, what the
 * environment holds. An empty line is an empty passphrase; an empty variable is none, as shells can't always unset one.
 * @throws TlsError FILE_UNREADABLE
 */
export function readPassphrase(
  file: string | undefined,
  environment: CommandContext["environment"],
): string | undefined {
  if (file === undefined) return environment[PASSPHRASE_VARIABLE] || undefined;
  return decodeText(readFileBytes(file)).split(/\r\n|\r|\n/)[0];
}
