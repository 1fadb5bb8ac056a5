import { refuseNonPublic } from "../../network/address-policy";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import type { DnsServer } from "../dns/query";
import { explainNoAddress, explainUnseen, findAddresses, type HostAddresses } from "../look/addresses";
import type { Deadline } from "../run/deadline";

/** A URL, and the address that is asked for it. */
export interface HttpPlace {
  readonly url: URL;
  readonly address: string;
}

/** Why a redirection is not followed, in the words of `HttpLook`. */
export interface RefusedRedirect {
  readonly found: string;
  readonly isUnseen: boolean;
  readonly hint?: string;
}

/** CA/Browser Forum Baseline Requirements section 3.2.2.4.19: the ports that are authorized, with http or https. */
const authorizedPorts: readonly number[] = [80, 443];

/**
 * Where a redirection leads to, when a CA would follow it. `port` is that of the first request, which stands for 80 at
 * the same host. Another host that is reached in a network of this machine only is not asked: what it answers would come
 * into a message.
 */
export async function nextPlace(
  location: string,
  from: HttpPlace,
  port: number,
  context: { readonly resolvers: readonly DnsServer[]; readonly deadline: Deadline },
): Promise<HttpPlace | RefusedRedirect> {
  const url = URL.parse(location, from.url.href);
  if (url === null) return refused(`it redirects to ${renderQuoted(location)}, which is no URL`);
  url.hash = "";
  const where = `it redirects to ${renderUrl(url)}`;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return refused(`${where}, and CAs follow to http and https only`);
  }
  if (url.hostname.endsWith(".well-known")) {
    const hint =
      "A slash is missing at the end of the redirection's target: write https://example.org/, not https://example.org.";
    return refused(`${where}, which is no host`, hint);
  }
  const asked = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  if (!authorizedPorts.includes(asked) && asked !== port) {
    return refused(`${where}, and CAs follow to the ports 80 and 443 only`);
  }
  if (url.hostname === from.url.hostname) {
    if (asked === 80 && url.protocol === "http:") url.port = String(port);
    return { url, address: from.address };
  }
  const host = await findAddresses(url.hostname.replace(/^\[|\]$/g, ""), context.resolvers, context.deadline);
  return chooseAddress(host, url, from.address);
}

/** An address of the same family, so that each family is seen by itself; else any. */
function chooseAddress(host: HostAddresses, url: URL, from: string): HttpPlace | RefusedRedirect {
  const where = `it redirects to ${renderUrl(url)}`;
  if (host.kind === "unseen") {
    return { ...refused(`${where}: ${explainUnseen("the addresses of that host", host.code).found}`), isUnseen: true };
  }
  if (host.kind !== "addresses") return refused(`${where}: ${explainNoAddress(host.kind).found}`);
  const address = host.addresses.find((each) => each.includes(":") === from.includes(":")) ?? host.addresses[0] ?? "";
  const reason = refuseNonPublic(address);
  if (reason === undefined || address === from) return { url, address };
  const isPublic = refuseNonPublic(from) === undefined;
  return { ...refused(`${where} at ${address}, ${reason}, which is not asked`), isUnseen: !isPublic };
}

function refused(found: string, hint?: string): RefusedRedirect {
  return { found, isUnseen: false, ...(hint !== undefined && { hint }) };
}
