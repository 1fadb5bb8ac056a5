import {
  type AcmeAnswerOptions,
  type OpensslOptions,
  opensslOptionTable,
  type ProxyOptions,
  proxyOptionTable,
  thumbprintOption,
} from "../proxy/options";
import {
  directoryOption,
  fileOption,
  nameOption,
  type OptionReader,
  type OptionTable,
  readOptions,
  refuseOption,
} from "../syntax/options";

/** What a gateway of kind `haproxy` needs to know beside its sites. */
export interface HaproxyOptions extends ProxyOptions, OpensslOptions, AcmeAnswerOptions {
  readonly version: "3.0" | "2.6" | "2.8" | "3.2";
  /** Where HAProxy finds its configuration: becomes a link. Default /etc/haproxy/haproxy.cfg; containers have others. */
  readonly configFile: string;
  /** Whom HAProxy becomes after it has read its files as root; default `haproxy`, as packages have it. */
  readonly processUser: string;
  readonly processGroup: string;
  /** The folder that HAProxy locks itself in; default `/var/lib/haproxy`, false for one that doesn't start as root. */
  readonly chroot: string | false;
  /** At most so many connections at a time, about 50 KiB of memory each; fewer where the system allows fewer. Default 20,000. */
  readonly maxConnections: number;
  /** Where administrators talk to the process; default none: a master has its own socket (`-S`). */
  readonly statsSocket?: string | undefined;
  /** Where the master's process id stands, for servers without systemd; default `/run/haproxy.pid`. */
  readonly pidFile: string;
}

/** Without a bound HAProxy takes as many as there may be file descriptors, and tables for all of them. */
const DEFAULT_CONNECTIONS = 20_000;
/** More than the memory of one machine serves. */
const MOST_CONNECTIONS = 2_000_000;

const chroot: OptionReader<string | false> = (value, path) =>
  value === false ? false : directoryOption("/var/lib/haproxy")(value, path);

const connections: OptionReader<number> = (value = DEFAULT_CONNECTIONS, path) => {
  const isCount = typeof value === "number" && Number.isInteger(value) && value >= 10 && value <= MOST_CONNECTIONS;
  return isCount ? value : refuseOption(path, value, `a number from 10 to ${MOST_CONNECTIONS}`);
};

const table: OptionTable<HaproxyOptions> = {
  ...proxyOptionTable(["3.0", "2.6", "2.8", "3.2"], "/etc/haproxy/tls-gateway"),
  ...opensslOptionTable,
  acmeThumbprint: thumbprintOption,
  configFile: fileOption("/etc/haproxy/haproxy.cfg"),
  processUser: nameOption("haproxy"),
  processGroup: nameOption("haproxy"),
  chroot,
  maxConnections: connections,
  statsSocket: (value, path) => (value === undefined ? undefined : fileOption("")(value, path)),
  pidFile: fileOption("/run/haproxy.pid"),
};

/**
 * Reads the options of a gateway of kind `haproxy` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseHaproxyOptions(input: unknown): HaproxyOptions {
  return readOptions("haproxy", input, table);
}
