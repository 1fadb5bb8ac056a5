import { type ProxyOptions, proxyOptionTable } from "../proxy/options";
import { choice, directoryOption, fileOption, type OptionTable, readOptions } from "../syntax/options";

/** What a gateway of kind `traefik` needs to know beside its sites. */
export interface TraefikOptions extends ProxyOptions {
  /** From "3.7" on, Traefik chooses TLS options by wildcard names too. */
  readonly version: "3.7";
  /** The static configuration, which becomes a link; default "/etc/traefik/traefik.yml". */
  readonly configFile: string;
  /** The folder that Traefik watches for dynamic configuration; default "/etc/traefik/dynamic". */
  readonly dynamicDirectory: string;
}

const versions = ["3.7"] as const;

const table: OptionTable<TraefikOptions> = {
  ...proxyOptionTable(versions, "/etc/traefik/tls-gateway"),
  version: choice(versions, versions[0]),
  configFile: fileOption("/etc/traefik/traefik.yml"),
  dynamicDirectory: directoryOption("/etc/traefik/dynamic"),
};

/**
 * Reads the options of a gateway of kind `traefik` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseTraefikOptions(input: unknown): TraefikOptions {
  return readOptions("traefik", input, table);
}
