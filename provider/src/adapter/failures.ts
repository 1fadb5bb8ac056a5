import { isTlsError } from "../errors";
import type { Failure } from "../lifecycle/lifecycle";
import { maskSecretTexts } from "./secret-texts";

/** The answer of `check` to bad input. A failure never names a property: the engine would print its value, secret or not. */
export interface WireFailure {
  readonly property: "";
  readonly reason: string;
}

/** At most so many faults are listed: the first ones are the ones that are read. */
const MAX_FAILURES = 30;

/** The arguments that a failure must not quote. */
export interface SecretArguments {
  readonly names: readonly string[];
  /** Of {@link collectSecretTexts}: one argument's failure may quote another argument. */
  readonly texts: readonly string[];
}

/** The failures as the engine takes them: the first ones, and none that quotes a secret. */
export function renderFailures(failures: readonly Failure[], secrets: SecretArguments): WireFailure[] {
  const told = failures.slice(0, MAX_FAILURES).map((failure) => {
    const text = renderFailure(withoutSecret(failure, secrets.names));
    return maskSecretTexts(text, secrets.texts);
  });
  if (told.length < failures.length) told.push(`and ${failures.length - told.length} more.`);
  return told.map((reason) => ({ property: "", reason }));
}

/** A reason may quote what was found: not where that is a secret. */
function withoutSecret(failure: Failure, secretArguments: readonly string[]): Failure {
  const { property, path } = failure;
  if (property === undefined || !secretArguments.includes(property)) return failure;
  const reason = "is refused. What was found is not told, since it is or holds a secret.";
  return { property, path, reason, hint: "try it with a value that is not secret." };
}

/** One failure as a person reads it: whole sentences, the path once and in front. */
export function renderFailure({ path, reason, hint }: Failure): string {
  if (path === "") return reason;
  return `${path}: ${endSentence(reason)}${hint === undefined ? "" : ` Hint: ${endSentence(hint)}`}`;
}

function endSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Describes an error that nobody foresaw: its message may quote a value, so only its class and place are told. */
export function describeUnexpected(error: unknown): string {
  if (isTlsError(error)) return error.message;
  if (!(error instanceof Error)) return "a bug in pulumi-tls-gateway: something was thrown that is no error";
  const frame = error.stack?.split("\n").find((line) => line.trimStart().startsWith("at "));
  const place = frame === undefined ? "an unknown place" : withoutFolders(frame.trim());
  return `a bug in pulumi-tls-gateway: ${error.name} ${place}. Please report it with this line.`;
}

/** A line of a stack trace, whose path says on which machine it ran. */
function withoutFolders(frame: string): string {
  const open = frame.indexOf("(");
  const slash = Math.max(frame.lastIndexOf("/"), frame.lastIndexOf("\\"));
  return open < 0 || slash < open ? frame : `${frame.slice(0, open + 1)}${frame.slice(slash + 1)}`;
}
