import { type AcmeAnswerOptions, type ProxyOptions, proxyOptionTable, thumbprintOption } from "../proxy/options";
import { choice, type OptionTable, readOptions } from "../syntax/options";

/** What a gateway of kind `envoy` needs to know beside its sites. */
export interface EnvoyOptions extends ProxyOptions, AcmeAnswerOptions {
  /** "1.40" and later have the filter that limits bodies as they pass; "1.34" stands for all from there on. Default "1.40". */
  readonly version: "1.40" | "1.34";
}

const versions = ["1.40", "1.34"] as const;

const table: OptionTable<EnvoyOptions> = {
  ...proxyOptionTable(versions, "/etc/envoy/tls-gateway"),
  version: choice(versions, versions[0]),
  acmeThumbprint: thumbprintOption,
};

/**
 * Reads the options of a gateway of kind `envoy` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseEnvoyOptions(input: unknown): EnvoyOptions {
  return readOptions("envoy", input, table);
}
