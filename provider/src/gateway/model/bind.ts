import { isTlsError, TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseHostName } from "../../x509/names/identifier";
import { ipOctets, renderIp } from "../../x509/names/ip-address";

/** Where a gateway listens: one host and one port. */
export interface Bind {
  /** A canonical host name (wildcard allowed), an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** The host that stands for every address of the machine and every name. */
export const ALL_ADDRESSES = "0.0.0.0";

/** RFC 6335 section 6: port 0 is reserved. */
const HIGHEST_PORT = 65535;
/** Longest text worth reading: a host name of 253 octets in four-unit Unicode, a colon and five digits. */
const LONGEST_TEXT = 4 * 253 + 6;

/**
 * Reads a bind as Pydio Cells writes it, `host:port`: the host is a name (wildcard allowed), an IPv4 address, an IPv6
 * address in brackets, or empty, which is 0.0.0.0: all addresses. Not checked: whether a gateway of some kind can listen
 * there.
 * @throws TlsError SITE_INVALID
 */
export function parseBind(text: string): Bind {
  const refuse = (found: string, hint: string): never => {
    throw new TlsError("SITE_INVALID", `the bind ${renderQuoted(text)}: ${found}`, { hint });
  };
  if (text.length > LONGEST_TEXT) return refuse(`it has ${text.length} characters`, `Write host:port.`);
  if (text.includes("://")) return refuse("it is a URL", "Write host:port without scheme and path.");
  if (/^\d+$/.test(text)) return refuse("it has no colon", `Write :${text} for this port on all addresses.`);
  const [, host = "", port] = /^(\[[^\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text) ?? [];
  if (port === undefined) {
    if (ipOctets(text)?.length === 16 || ipOctets(text.replace(/:\d+$/, ""))?.length === 16) {
      return refuse("an IPv6 address without brackets", "Write it in brackets: [address]:port.");
    }
    return refuse(
      host === "" ? "it is not host:port" : "it has no port",
      "Write host:port, for instance 0.0.0.0:8443.",
    );
  }
  const isPort = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= HIGHEST_PORT;
  if (!isPort)
    refuse(`${renderQuoted(port)} is not a port`, `Give a number from 1 to ${HIGHEST_PORT}, in plain digits.`);
  return { host: parseBindHost(host, refuse), port: Number(port) };
}

/** Renders a bind in its canonical form, from which {@link parseBind} makes an equal one. */
export function renderBind(bind: Bind): string {
  return `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
}

/** Takes a bind in canonical form apart. Not checked: that it is one; texts of others go through {@link parseBind}. */
export function readBind(canonical: string): Bind {
  const colon = canonical.lastIndexOf(":");
  const host = canonical.slice(0, colon);
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port: Number(canonical.slice(colon + 1)) };
}

/** Whether the bind answers on every address and for every name. */
export function isAllAddresses(bind: Bind): boolean {
  return bind.host === ALL_ADDRESSES;
}

function parseBindHost(host: string, refuse: (found: string, hint: string) => never): string {
  if (host === "") return ALL_ADDRESSES;
  if (host === "*") return refuse('"*" is not a host', "Write 0.0.0.0, or nothing, for all addresses.");
  if (host.startsWith("[")) {
    const octets = ipOctets(host.slice(1, -1));
    if (octets?.length !== 16)
      return refuse("what stands in brackets is not an IPv6 address", "Write [2001:db8::1]:443.");
    return renderIp(octets);
  }
  try {
    return parseHostName(host);
  } catch (error) {
    if (isTlsError(error)) return refuse(error.reason, error.hint ?? "Write host:port with a host name or an address.");
    throw error;
  }
}
