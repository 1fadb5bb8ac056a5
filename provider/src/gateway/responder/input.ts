import { isTlsError, TlsError } from "../../errors";
import { renderQuoted } from "../../text/quoted";
import { parseHostName } from "../../x509/names/identifier";
import { ipOctets, renderIp } from "../../x509/names/ip-address";
import { type AnsweringAccount, EXPECTED_THUMBPRINT, isThumbprint, type ProxyOptions } from "../proxy/options";
import { portOption, refuseOption } from "../syntax/options";
import type { Responder } from "./kind";

/** What a responder is made of. */
export interface ResponderInput {
  readonly accounts: readonly {
    readonly thumbprint: string;
    /** Default: every host that no other account has. */
    readonly hostnames?: readonly string[] | undefined;
  }[];
  /** Default `httpPort` of the options, 80. CAs ask on 80 alone. */
  readonly port?: number | undefined;
  /** Addresses of the machine. Default all, of IPv6 too unless the option `ipv6` is false. */
  readonly addresses?: readonly string[] | undefined;
  /** Where all other requests go: `true`, the default, to https on port 443, a number to that port, `false` nowhere (404). */
  readonly redirect?: boolean | number | undefined;
}

/**
 * Reads a responder and fills in the defaults.
 * @throws TlsError GATEWAY_INVALID naming the property, what was found and what was expected
 */
export function parseResponder(input: ResponderInput, options: Pick<ProxyOptions, "httpPort" | "ipv6">): Responder {
  const port = portOption(options.httpPort)(input.port, "port");
  const redirectPort = readRedirect(input.redirect ?? true);
  if (redirectPort === port) {
    refuseOption("redirect", redirectPort, `another port than ${port}, where the responder itself listens`);
  }
  return {
    accounts: readAccounts(input.accounts),
    port,
    addresses: readAddresses(input.addresses, options),
    redirectPort,
  };
}

function readRedirect(redirect: unknown): number | undefined {
  if (redirect === false) return undefined;
  if (redirect === true) return 443;
  const isPort = typeof redirect === "number" && Number.isInteger(redirect) && redirect >= 1 && redirect <= 65535;
  return isPort ? redirect : refuseOption("redirect", redirect, "true, false, or a port from 1 to 65535");
}

function readAddresses(given: unknown, { ipv6 }: Pick<ProxyOptions, "ipv6">): readonly string[] {
  const list = given ?? (ipv6 ? ["0.0.0.0", "::"] : ["0.0.0.0"]);
  if (!Array.isArray(list) || list.length === 0) {
    return refuseOption("addresses", list, 'a list of addresses such as ["10.0.0.5"]');
  }
  const addresses = list.map((text: unknown, index) => {
    const octets = typeof text === "string" ? ipOctets(text) : undefined;
    return octets === undefined
      ? refuseOption(`addresses[${index}]`, text, "an address of IPv4 or IPv6 without brackets or port")
      : renderIp(octets);
  });
  for (const [index, address] of addresses.entries()) {
    const isV6 = address.includes(":");
    const other = addresses.slice(0, index).find((one) => one.includes(":") === isV6 && covers(one, address));
    if (other === undefined) continue;
    refuseOption(`addresses[${index}]`, address, `an address beside ${other}, which has this one already`);
  }
  return addresses;
}

function covers(one: string, other: string): boolean {
  return [one, other].some((address) => address === "0.0.0.0" || address === "::") || one === other;
}

/** The CA's request does not say whose challenge it is: the host alone can. */
function readAccounts(given: unknown): readonly AnsweringAccount[] {
  if (!Array.isArray(given) || given.length === 0) {
    return refuseOption("accounts", given, "a list of at least one account");
  }
  const owners = new Map<string, number>();
  return (given as readonly unknown[]).map((entry, index) => {
    const path = `accounts[${index}]`;
    const { thumbprint, hostnames } = (entry ?? {}) as ResponderInput["accounts"][number];
    if (!isThumbprint(thumbprint)) return refuseThumbprint(path, thumbprint);
    if (hostnames !== undefined && (!Array.isArray(hostnames) || hostnames.length === 0)) {
      return refuseOption(`${path}.hostnames`, hostnames, "a list of names, or nothing for every other host");
    }
    const names = [...new Set((hostnames ?? []).map((name, at) => readHost(name, `${path}.hostnames[${at}]`)))].sort();
    for (const name of names.length === 0 ? [""] : names) {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, index);
      else refuseTwice(name, owner, index);
    }
    return { thumbprint, hostnames: names };
  });
}

function refuseThumbprint(path: string, thumbprint: unknown): never {
  const found = typeof thumbprint === "string" ? renderQuoted(thumbprint) : typeof thumbprint;
  throw new TlsError("GATEWAY_INVALID", `${path}.thumbprint: found ${found}, expected ${EXPECTED_THUMBPRINT}`, {
    hint: "Give an AcmeAccount, or what another client, such as acme.sh, shows as the thumbprint of the account's key.",
  });
}

function readHost(name: unknown, path: string): string {
  if (typeof name !== "string") return refuseOption(path, name, "a host name or an address");
  if (name.startsWith("*.")) {
    throw new TlsError("GATEWAY_INVALID", `${path}: found ${renderQuoted(name)}: http-01 proves no wildcard`, {
      hint: "List the names that are meant; a certificate for a wildcard is proved by dns-01.",
    });
  }
  try {
    return parseHostName(name);
  } catch (error) {
    if (!isTlsError(error)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new TlsError("GATEWAY_INVALID", `${path}: ${error.reason}`, { ...hint, cause: error });
  }
}

function refuseTwice(name: string, owner: number, index: number): never {
  const what = name === "" ? "answer every other host: neither has hostnames" : `claim ${name}`;
  const reason = `accounts[${owner}] and accounts[${index}] both ${what}, and a CA's request does not say for which account it is`;
  throw new TlsError("GATEWAY_INVALID", reason, {
    hint: name === "" ? "Give hostnames to one of them." : "Leave the name away from one of them.",
  });
}
