import { TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";

/** How one option is read: what is absent comes as `undefined`, so that each reader knows its default. */
export type OptionReader<T> = (value: unknown, path: string) => T;

/** The options of a kind, each with its reader, in the order in which later readers may need earlier ones. */
export type OptionTable<Options> = { readonly [Name in keyof Options]-?: OptionReader<Options[Name]> };

/**
 * Reads the options of a gateway by the table of its kind.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function readOptions<Options>(kind: string, input: unknown, table: OptionTable<Options>): Options {
  const given = input ?? {};
  if (typeof given !== "object" || Array.isArray(given)) {
    return refuseOption("options", given, "an object such as { version: … }");
  }
  const options = new Map(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  const names = Object.keys(table);
  for (const name of options.keys()) {
    if (names.includes(name)) continue;
    const shown = /^\w{1,40}$/.test(name) ? name : renderQuoted(name);
    const path = `options.${shown}`;
    const reason = `is not an option of kind ${kind}, which takes ${names.join(", ")}`;
    throw new TlsError("GATEWAY_INVALID", `${path} ${reason}`, {
      hint: "Correct the name, or leave it away.",
      fault: { path, reason },
    });
  }
  const readers = Object.entries(table) as readonly [string, OptionReader<unknown>][];
  const read = readers.map(([name, reader]) => [name, reader(options.get(name), `options.${name}`)] as const);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined)) as Options;
}

/** One of a few texts. */
export function choice<const T extends string>(texts: readonly T[], fallback: T): OptionReader<T> {
  return (value = fallback, path) => {
    const found = texts.find((text) => text === value);
    if (found !== undefined) return found;
    const shown = texts.map((text) => `"${text}"`);
    return refuseOption(path, value, [shown.slice(0, -1).join(", "), ...shown.slice(-1)].filter(Boolean).join(" or "));
  };
}

/** A port from 1 to 65535. */
export function portOption(fallback: number): OptionReader<number> {
  return (value = fallback, path) => {
    const isPort = typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
    return isPort ? value : refuseOption(path, value, "a port from 1 to 65535");
  };
}

/** True or false. */
export function flagOption(fallback: boolean): OptionReader<boolean> {
  return (value = fallback, path) => (typeof value === "boolean" ? value : refuseOption(path, value, "true or false"));
}

/** An absolute path of plain signs: it stands in shell commands, in configurations and in environment files. */
export function directoryOption(fallback: string): OptionReader<string> {
  return (value = fallback, path) => {
    const isPlain = typeof value === "string" && value.length <= 1024 && /^(\/[A-Za-z0-9._@+-]+)+\/?$/.test(value);
    if (isPlain && !/\/\.{1,2}(\/|$)/.test(value)) return value.replace(/\/$/, "");
    const expected = "an absolute path of plain letters, digits and ._@+-, such as /var/cells";
    return refuseOption(path, value, expected);
  };
}

/** The path of a file, as that of {@link directoryOption}; `ending` is what its name must end in. */
export function fileOption(fallback: string, ending = ""): OptionReader<string> {
  const read = directoryOption(fallback);
  return (value, path) => {
    const file = read(value, path);
    if (file.endsWith(ending)) return file;
    return refuseOption(path, value, `an absolute path of plain letters, digits and ._@+- that ends in ${ending}`);
  };
}

/** A name of a user, group, class or namespace: letters, digits, `.`, `_` and `-`. */
export function nameOption(fallback: string): OptionReader<string>;
export function nameOption(): OptionReader<string | undefined>;
export function nameOption(fallback?: string): OptionReader<string | undefined> {
  return (value = fallback, path) => {
    if (value === undefined) return undefined;
    const isName = typeof value === "string" && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$/.test(value);
    return isName ? value : refuseOption(path, value, "a name of letters, digits, dots, _ and -");
  };
}

/** A command for the shell of the server, taken as it is: one line. */
export const commandOption: OptionReader<string | undefined> = (value, path) => {
  if (value === undefined) return undefined;
  const isLine = typeof value === "string" && value.length <= 4096 && /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(value);
  return isLine ? value : refuseOption(path, value, "a command in one line, such as systemctl reload nginx");
};

/**
 * Refuses an option.
 * @throws TlsError GATEWAY_INVALID
 */
export function refuseOption(path: string, value: unknown, expected: string): never {
  const found =
    typeof value === "string" ? renderQuoted(value) : typeof value === "number" ? String(value) : typeof value;
  const reason = `found ${found}, expected ${expected}`;
  throw new TlsError("GATEWAY_INVALID", `${path}: ${reason}`, {
    hint: "Correct it, or leave it away for the default.",
    fault: { path, reason },
  });
}
