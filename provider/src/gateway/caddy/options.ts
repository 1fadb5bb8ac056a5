import { type AcmeAnswerOptions, type ProxyOptions, proxyOptionTable, thumbprintOption } from "../proxy/options";
import {
  fileOption,
  nameOption,
  type OptionReader,
  type OptionTable,
  readOptions,
  refuseOption,
} from "../syntax/options";

/** What Caddy needs to know beside its sites. */
export interface CaddyOptions extends ProxyOptions, AcmeAnswerOptions {
  /**
   * The oldest Caddy that reads the configuration. "2.6" is Debian's, and what later ones read too; "2.11" adds the PROXY
   * protocol, X25519MLKEM768, and WebSockets that outlive a reload.
   */
  readonly version: "2.6" | "2.11";
  /** Where Caddy takes orders, from itself alone: `host:port` of this machine, or `unix//path`. Default localhost:2019. */
  readonly admin: string;
  /** Where Caddy's service finds its configuration: becomes a link. Default /etc/caddy/caddy.json. */
  readonly configFile: string;
}

/** An address of the machine's own, or a socket. Who reaches it can change everything, without a password. */
const adminOption: OptionReader<string> = (value = "localhost:2019", path) => {
  const isLocal = typeof value === "string" && /^(localhost|127(\.\d{1,3}){3}|\[::1\]):[1-9]\d{0,4}$/.test(value);
  const isSocket = typeof value === "string" && /^unix\/(\/[A-Za-z0-9._@+-]+)+$/.test(value);
  if (isLocal || isSocket) return value;
  return refuseOption(path, value, "an address of the machine itself, such as localhost:2019, or unix//run/caddy.sock");
};

const table: OptionTable<CaddyOptions> = {
  ...proxyOptionTable(["2.6", "2.11"], "/etc/caddy/tls-gateway"),
  // the packages of Debian and of Caddy run it as this user, who must be able to read the keys
  user: nameOption("caddy"),
  group: nameOption("caddy"),
  acmeThumbprint: thumbprintOption,
  admin: adminOption,
  configFile: fileOption("/etc/caddy/caddy.json", ".json"),
};

/**
 * Reads the options of a Caddy.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseCaddyOptions(input: unknown): CaddyOptions {
  return readOptions("caddy", input, table);
}
