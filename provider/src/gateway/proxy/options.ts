import {
  choice,
  commandOption,
  directoryOption,
  flagOption,
  nameOption,
  type OptionReader,
  type OptionTable,
  portOption,
  refuseOption,
} from "../syntax/options";

/** What every proxy needs to know beside its sites. */
export interface ProxyOptions {
  /** Version of the server, as far as its syntax depends on it; the default is that of Debian stable. */
  readonly version: string;
  /** Folder of the configuration with its certificates: `sets/`, and `current`, which the paths go through. */
  readonly directory: string;
  /** Where `redirectToHttps` listens; default 80. */
  readonly httpPort: number;
  /** Whether sites without an address of their own listen on IPv6 too; default true. */
  readonly ipv6: boolean;
  /**
   * The account that the server runs as, if it is not root: its login group may read the keys. All files belong to whoever
   * runs the install script, so that the account can't change what root reads.
   */
  readonly user?: string | undefined;
  /** The group that may read the keys, in place of the login group of `user`. */
  readonly group?: string | undefined;
  /** Judges the server's whole configuration, in place of the server's own checker; one line of POSIX shell. */
  readonly checkCommand?: string | undefined;
  /** Has the server take the configuration over, in place of the usual way; one line of POSIX shell. */
  readonly reloadCommand?: string | undefined;
}

/** What servers with OpenSSL need to know too. */
export interface OpensslOptions {
  /** The OpenSSL of the server: 3.5 and later know X25519MLKEM768. Default that of Debian stable. */
  readonly opensslVersion: "3.0" | "3.5";
}

/** Readers of the options that all proxies have; the first of the versions is the default. */
export function proxyOptionTable<const Version extends string>(
  versions: readonly [Version, ...Version[]],
  directory: string,
): OptionTable<ProxyOptions & { readonly version: Version }> {
  return {
    version: choice(versions, versions[0]),
    directory: directoryOption(directory),
    httpPort: portOption(80),
    ipv6: flagOption(true),
    user: nameOption(),
    group: nameOption(),
    checkCommand: commandOption,
    reloadCommand: commandOption,
  };
}

/** Readers of {@link OpensslOptions}. */
export const opensslOptionTable: OptionTable<OpensslOptions> = { opensslVersion: choice(["3.5", "3.0"], "3.5") };

/**
 * An account whose http-01 challenges a server answers by its configuration alone: the answer is the token, a dot and the
 * thumbprint of the account's key, which never changes (RFC 8555 sections 8.1 and 8.3).
 */
export interface AnsweringAccount {
  /** SHA-256 of the key (RFC 7638), base64url, 43 characters. */
  readonly thumbprint: string;
  /** The hosts that it answers for, canonical and sorted, IPv6 without brackets; none: every host that no other has. */
  readonly hostnames: readonly string[];
}

/** What a gateway needs to know to answer beside its sites. */
export interface AcmeAnswerOptions {
  /**
   * Thumbprint of an ACME account (`account.thumbprint`), whose http-01 challenges are answered on `httpPort`, for every
   * name and before all else; where no site listens there the gateway does all the same. Default: they are not answered.
   */
  readonly acmeThumbprint?: string | undefined;
}

/** Where a CA asks (RFC 8555 section 8.3), as a regular expression, and what it asks for. */
export const CHALLENGE_PATH = String.raw`/\.well-known/acme-challenge/`;
/** base64url, and longer than what any CA gives (43 characters): RFC 8555 says no upper bound. */
export const TOKEN_PATTERN = "[A-Za-z0-9_-]{1,128}";

/** The type of the answer; RFC 8555 section 8.3 leaves it open, and no browser is to see more in it. */
export const ANSWER_TYPE = "text/plain";

/** Whether a text is a thumbprint: base64url of 32 octets, whose last character holds four bits. */
export function isThumbprint(value: unknown): value is string {
  return typeof value === "string" && /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(value);
}

/** What is expected where {@link isThumbprint} says no. */
export const EXPECTED_THUMBPRINT = "the 43 characters of account.thumbprint (base64url)";

/** A reader of {@link AcmeAnswerOptions.acmeThumbprint}. */
export const thumbprintOption: OptionReader<string | undefined> = (value, path) =>
  value === undefined || isThumbprint(value) ? value : refuseOption(path, value, EXPECTED_THUMBPRINT);

/** A host as requests have it: IPv6 in brackets. */
export function hostOf(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
