import { TlsError } from "../errors";
import { renderQuoted } from "../x509/quoted-text";
import { isTlsSite, type SiteData } from "./site";

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
}

const optionNames = ["version", "workingDirectory", "certificateDirectory", "grpcPort"];
/** A free choice of ours: Cells would take a random port at each start, which no firewall can open. */
const defaultGrpcPort = 33060;

/**
 * Reads the options of a gateway of kind `cells` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseCellsOptions(input: unknown): CellsOptions {
  const given = input ?? {};
  if (typeof given !== "object" || Array.isArray(given)) {
    return refuse("options", given, 'an object such as { version: "5" }');
  }
  const options = new Map(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const name of options.keys()) {
    if (!optionNames.includes(name)) {
      const shown = /^\w{1,40}$/.test(name) ? name : renderQuoted(name);
      const reason = `options.${shown} is not an option of kind cells, which takes ${optionNames.join(", ")}`;
      throw new TlsError("GATEWAY_INVALID", reason, { hint: "Correct the name, or leave it away." });
    }
  }
  const version = options.get("version") ?? "4";
  if (version !== "4" && version !== "5") return refuse("options.version", version, '"4" or "5"');
  const workingDirectory = parseDirectory("workingDirectory", options.get("workingDirectory") ?? "/var/cells");
  const certificateDirectory = parseDirectory(
    "certificateDirectory",
    options.get("certificateDirectory") ?? `${workingDirectory}/certs`,
  );
  const grpcPort = options.get("grpcPort") ?? defaultGrpcPort;
  if (typeof grpcPort !== "number" || !Number.isInteger(grpcPort) || grpcPort < 1 || grpcPort > 65535) {
    return refuse("options.grpcPort", grpcPort, "a port from 1 to 65535");
  }
  return { version, workingDirectory, certificateDirectory, grpcPort };
}

/** The port of the separate clear gRPC service; undefined when there is none: every site has TLS, or Cells 5. */
export function grpcPortOf(sites: readonly SiteData[], options: CellsOptions): number | undefined {
  if (options.version === "5" || sites.every(isTlsSite)) return undefined;
  return sites.find((site) => site.grpcPort !== undefined)?.grpcPort ?? options.grpcPort;
}

/** Plain signs only: the path stands in shell commands, in Cells' configuration and in environment files. */
function parseDirectory(name: string, value: unknown): string {
  const isPlain = typeof value === "string" && value.length <= 1024 && /^(\/[A-Za-z0-9._@+-]+)+\/?$/.test(value);
  if (isPlain && !/\/\.{1,2}(\/|$)/.test(value)) return value.replace(/\/$/, "");
  return refuse(`options.${name}`, value, "an absolute path of plain letters, digits and ._@+-, such as /var/cells");
}

function refuse(path: string, value: unknown, expected: string): never {
  const found =
    typeof value === "string" ? renderQuoted(value) : typeof value === "number" ? String(value) : typeof value;
  throw new TlsError("GATEWAY_INVALID", `${path}: found ${found}, expected ${expected}`, {
    hint: "Correct it, or leave it away for the default.",
  });
}
