import type { Certificate } from "../../x509/certificate/certificate";
import { allowEvery, refuseNonPublic } from "../address-policy";
import { followRedirects } from "../redirects";
import { readIssuers } from "./answer";

export interface IssuerFetchOptions {
  /** Default false: only public unicast addresses are connected to. */
  readonly allowPrivateAddresses?: boolean;
  /** For the whole fetch with all its redirects. Default 10. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

const defaultTimeoutSeconds = 10;
/** Nobody waits longer, and it is far from where a timer of Node overflows. */
const mostTimeoutSeconds = 3600;

/**
 * Fetches the certificates that a caIssuers URL holds: DER, PEM or PKCS#7 (certs-only).
 *
 * One GET over http or https for each of at most three redirections, each host judged by its addresses; without proxy,
 * cookies or credentials. At most 256 KiB and 50 certificates, in the order of the answer, repetitions kept. Not
 * checked: that one of them issued the certificate that names the URL, dates, signatures; http is no proof of anything.
 *
 * @throws TlsError `AIA_UNREACHABLE`: DNS, connection, time-out, the signal, status 429 and 5xx (with `retryAt` when the
 * server says one); `AIA_REFUSED`: the URL or one that it redirects to, its addresses, too many redirections, another
 * status, too many bytes, an https server that is not trusted; `AIA_INVALID`: the answer is no certificates.
 * @throws TypeError for a `timeoutSeconds` that is not above 0 and at most 3600
 * See RFC 5280 section 4.2.2.1.
 */
export async function fetchIssuers(url: string, options: IssuerFetchOptions = {}): Promise<readonly Certificate[]> {
  const { allowPrivateAddresses = false, timeoutSeconds = defaultTimeoutSeconds, signal } = options;
  if (!(timeoutSeconds > 0 && timeoutSeconds <= mostTimeoutSeconds)) {
    throw new TypeError(`timeoutSeconds is ${timeoutSeconds}, expected more than 0 and at most ${mostTimeoutSeconds}`);
  }
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(`it took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000);
  const giveUp = () => end.abort("it was given up by its caller");
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    const policy = allowPrivateAddresses ? allowEvery : refuseNonPublic;
    const { body, what } = await followRedirects(url, policy, end.signal);
    return readIssuers(body, what);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}
