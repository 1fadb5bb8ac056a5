/** Options that name who must be able to read keys; the install script gives files to nobody. */
export interface ReaderOptions {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

/**
 * The members of the group read the keys, or where none is named of the login group of the user. The owner of all files is
 * whoever runs the install script.
 */
export interface GatewayReaders {
  readonly user?: string;
  readonly group?: string;
}

/** Who reads the keys beside their owner; undefined when nobody is named. */
export function readersOf({ user, group }: ReaderOptions): GatewayReaders | undefined {
  if (user === undefined && group === undefined) return undefined;
  return { ...(user !== undefined && { user }), ...(group !== undefined && { group }) };
}

/** Mode of files with keys: they are the owner's alone, unless somebody is named who must read them. */
export function privateMode(options: ReaderOptions): string {
  return readersOf(options) === undefined ? "0600" : "0640";
}
