import {
  type AcmeAnswerOptions,
  type OpensslOptions,
  opensslOptionTable,
  type ProxyOptions,
  proxyOptionTable,
  thumbprintOption,
} from "../proxy/options";
import { fileOption, flagOption, type OptionTable, readOptions } from "../syntax/options";

/** What a gateway of kind `nginx` needs to know beside its sites. */
export interface NginxOptions extends ProxyOptions, OpensslOptions, AcmeAnswerOptions {
  /** Release series of the server; default "1.26", that of Debian 13. */
  readonly version: "1.26" | "1.22" | "1.24" | "1.28" | "1.30";
  /** What the server's own configuration includes into its `http` block; default /etc/nginx/conf.d/tls-gateway.conf. */
  readonly configFile: string;
  /** Where the running server says its process id; default /run/nginx.pid. */
  readonly pidFile: string;
  /**
   * Sets the sizes of nginx's hash tables where these sites need more than its defaults; default true. They stand there
   * once for the whole server: false when its own configuration sets them.
   */
  readonly hashSizes: boolean;
}

const table: OptionTable<NginxOptions> = {
  ...proxyOptionTable(["1.26", "1.22", "1.24", "1.28", "1.30"], "/etc/nginx/tls-gateway"),
  ...opensslOptionTable,
  acmeThumbprint: thumbprintOption,
  configFile: fileOption("/etc/nginx/conf.d/tls-gateway.conf"),
  pidFile: fileOption("/run/nginx.pid"),
  hashSizes: flagOption(true),
};

/**
 * Reads the options of a gateway of kind `nginx` and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the option, what was found and what was expected
 */
export function parseNginxOptions(input: unknown): NginxOptions {
  return readOptions("nginx", input, table);
}

/**
 * Whether a worker that is told to end finishes answers that it buffers. 1.22.1 cuts about one in 200 off at a reload under
 * load ("open socket left in connection") where heads of 8, 16 or 32 KiB have room; 1.26.3, 1.28.3 and 1.30.4 cut none, and
 * 1.22.1 none without buffering. 1.24 was not tried.
 */
export function keepsBufferedAnswers({ version }: NginxOptions): boolean {
  return version !== "1.22" && version !== "1.24";
}

/** Whether HTTP/2 is a directive of its own: since nginx 1.25.1, whose successors warn of the older form. */
export function hasHttp2Directive({ version }: NginxOptions): boolean {
  return version !== "1.22" && version !== "1.24";
}
