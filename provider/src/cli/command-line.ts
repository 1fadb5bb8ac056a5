import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { readMoment } from "../text/time";
import type { CommandContext, CommandResult } from "./command";
import { INSPECT_EXAMPLES, type InspectArguments, runInspect } from "./inspect-command";
import { PASSPHRASE_VARIABLE } from "./passphrase";

/** Reads the arguments (without those of Node) and runs the command that they name. Touches files, and not the process. */
export function runCommandLine(args: readonly string[], context: CommandContext): CommandResult {
  let [stdout, stderr] = ["", ""];
  let result: CommandResult | undefined;
  const program = new Command("tls-gateway")
    .description("Looks at TLS at the gateway without running Pulumi.")
    .version(context.version, "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        stdout += text;
      },
      writeErr: (text) => {
        stderr += text;
      },
      outputError: (text, write) => write(withoutSecrets(text, args)),
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
    })
    .showHelpAfterError()
    .helpCommand(false)
    .addHelpText("after", `\n${INSPECT_EXAMPLES}`);
  addInspect(program, (files, options) => {
    result = runInspect(files, options, context.environment);
  });
  try {
    program.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { status: error.exitCode === 0 ? 0 : 2, stdout, stderr };
  }
  return result ?? { status: 2, stdout, stderr };
}

/** The same on every terminal, and so in the README. */
const HELP_WIDTH = 100;

const STATUS_HELP = "Exit status: 0 no errors, 1 errors found, 2 the command line is not understood.";

type Action = (files: readonly string[], options: InspectArguments) => void;

function addInspect(program: Command, action: Action): void {
  program
    .command("inspect")
    .summary("shows the chain in certificate files, and what is wrong with it")
    .description(
      "Shows the certificates in files of any form (PEM, DER, PKCS#7, PKCS#12) in the order in which a server sends " +
        "them, and what is wrong with them: dates, key, host names, the way to a root.",
    )
    .argument("<file...>", "certificates and keys, in any order and any form")
    .option("--key <file>", "the private key, when it is not among the files; repeatable", collect)
    .option("--hostname <name>", "a name that clients will ask for; repeatable", collect)
    .option("--roots <system|file>", "what the chain must lead to: Mozilla's roots, or those in a file")
    .addOption(new Option("--as-of <date>", "judge for this day instead of today: 2027-03-01").argParser(readDate))
    .option("--passphrase-file <file>", `its first line opens keys and PKCS#12; else ${PASSPHRASE_VARIABLE} does`)
    .option("--json", "print one JSON document instead of tables")
    .addHelpText("after", `\n${INSPECT_EXAMPLES}\n\n${STATUS_HELP}`)
    .action((files: string[], options: InspectArguments) => action(files, options));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function readDate(text: string): Date {
  const date = readMoment(text);
  if (date !== undefined) return date;
  throw new InvalidArgumentError("Write it as 2027-03-01 or 2027-03-01T12:00Z, in UTC.");
}

/** What is no word and no date may be a key that was pasted. */
const LONGEST_SHOWN = 40;

/**
 * A message quotes what is not understood, and that may be a secret: `--passphrase=…`, or a key in place of a command.
 * Of an option only its name is left, of what is long its beginning.
 */
function withoutSecrets(text: string, args: readonly string[]): string {
  const values = args.flatMap((arg) => [arg, arg.slice(arg.indexOf("=") + 1)]);
  return values.reduce((shown, value) => shown.replaceAll(`'${value}'`, `'${shorten(value)}'`), text);
}

function shorten(value: string): string {
  const [name = value] = /^--[^=]*(?==)|^-[^-]/.exec(value) ?? [];
  return name.length > LONGEST_SHOWN ? `${name.slice(0, 4)}…` : name;
}
