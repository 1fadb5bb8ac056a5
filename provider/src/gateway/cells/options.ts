import { isTlsSite, type SiteData } from "../model/site";
import {
  choice,
  commandOption,
  directoryOption,
  nameOption,
  type OptionTable,
  portOption,
  readOptions,
} from "../syntax/options";

/** What a gateway of kind `cells` needs to know beside its sites. */
export interface CellsOptions {
  /** Major version of Pydio Cells; default "4". */
  readonly version: "4" | "5";
  /** CELLS_WORKING_DIR; default "/var/cells", that of the Docker image. */
  readonly workingDirectory: string;
  /** Where certificates of the program are placed; default `<workingDirectory>/certs`. */
  readonly certificateDirectory: string;
  /** Port of the separate clear gRPC service, unless a site says another; default 33060. */
  readonly grpcPort: number;
  /**
   * The account that Cells runs as. Where the working directory belongs to it, the install script has its rights alone there,
   * also when root runs it. Else all files belong to root, and its login group may read the keys.
   */
  readonly user?: string | undefined;
  /** The group that may read the keys, in place of the login group of `user`. */
  readonly group?: string | undefined;
  /** Stops Cells, in place of `systemctl stop cells`; one line of POSIX shell. */
  readonly stopCommand?: string | undefined;
  /** Starts Cells, in place of `systemctl start cells`. */
  readonly startCommand?: string | undefined;
}

/** A free choice of ours: Cells would take a random port at each start, which no firewall can open. */
const DEFAULT_GRPC_PORT = 33060;

const table: OptionTable<Omit<CellsOptions, "certificateDirectory"> & { certificateDirectory: string | undefined }> = {
  version: choice(["4", "5"], "4"),
  workingDirectory: directoryOption("/var/cells"),
  certificateDirectory: (value, path) => (value === undefined ? undefined : directoryOption("")(value, path)),
  grpcPort: portOption(DEFAULT_GRPC_PORT),
  user: nameOption(),
  group: nameOption(),
  stopCommand: commandOption,
  startCommand: commandOption,
};

/**
 * Reads the options of a gateway of kind `cells` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseCellsOptions(input: unknown): CellsOptions {
  const options = readOptions("cells", input, table);
  return { ...options, certificateDirectory: options.certificateDirectory ?? `${options.workingDirectory}/certs` };
}

/** The port of the separate clear gRPC service; undefined when there is none: every site has TLS, or Cells 5. */
export function grpcPortOf(sites: readonly SiteData[], options: CellsOptions): number | undefined {
  if (options.version === "5" || sites.every(isTlsSite)) return undefined;
  return sites.find((site) => site.grpcPort !== undefined)?.grpcPort ?? options.grpcPort;
}
