import { isTlsError } from "../errors";
import { inspect } from "../files/inspect";
import type { CommandContext, CommandResult } from "./command";
import { renderInspection } from "./inspection-text";
import { readPassphrase } from "./passphrase";

/** The options of `inspect`, as they are parsed. */
export interface InspectArguments {
  readonly key?: readonly string[];
  readonly hostname?: readonly string[];
  readonly roots?: string;
  readonly asOf?: Date;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** What `--help` teaches by. */
export const INSPECT_EXAMPLES = `Examples:
  What a CA sent, put in order:
    $ npx tls-gateway inspect shop.crt intermediate.crt

  With its key, for the name that clients ask for, against the roots that browsers have:
    $ npx tls-gateway inspect shop.p7b --key shop.key --hostname shop.example.com --roots system

  A PKCS#12 file; its passphrase comes from a file or a pipe, never from an argument:
    $ npx tls-gateway inspect shop.pfx --passphrase-file passphrase.txt
    $ pass show shop | npx tls-gateway inspect shop.pfx --passphrase-file /dev/stdin

  What will be wrong on a day to come, for a script:
    $ npx tls-gateway inspect certs/*.pem --as-of 2027-03-01 --json`;

/** Runs `inspect`: tables or JSON on stdout; 1 when there are errors, 2 when the passphrase can't be read. */
export function runInspect(
  files: readonly string[],
  { key = [], hostname = [], roots, asOf, passphraseFile, json }: InspectArguments,
  environment: CommandContext["environment"],
): CommandResult {
  let passphrase: string | undefined;
  try {
    passphrase = readPassphrase(passphraseFile, environment);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    return { status: 2, stdout: "", stderr: `error: --passphrase-file: ${error.message}\n` };
  }
  const inspection = inspect(files, {
    key,
    hostnames: hostname,
    ...(roots !== undefined && { roots }),
    ...(asOf && { now: asOf }),
    ...(passphrase !== undefined && { passphrase }),
  });
  const stdout = json === true ? `${JSON.stringify(inspection, null, 2)}\n` : renderInspection(inspection);
  return { status: inspection.isAccepted ? 0 : 1, stdout, stderr: "" };
}
