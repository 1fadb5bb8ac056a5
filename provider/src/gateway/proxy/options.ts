import {
  choice,
  commandOption,
  directoryOption,
  flagOption,
  nameOption,
  type OptionTable,
  portOption,
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
  /** Who owns the folder, where it is not the one who runs the install script. */
  readonly user?: string | undefined;
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

/** `user:group` as chown takes it; undefined when neither is given. */
export function ownerOf({ user, group }: ProxyOptions): string | undefined {
  return user === undefined && group === undefined
    ? undefined
    : `${user ?? ""}${group === undefined ? "" : `:${group}`}`;
}
