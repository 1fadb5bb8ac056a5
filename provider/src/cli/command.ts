/** What a command leaves behind. */
export interface CommandResult {
  /** 0: nothing is wrong; 1: what was asked about has errors; 2: the command line is not understood. */
  readonly status: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command is run in. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of the package. */
  readonly version: string;
}
