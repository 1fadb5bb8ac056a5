import type { KeyObject } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import { readDer } from "../../x509/asn1/der";
import { type Certificate, describeCertificate, isIssuedBy, publicKeyOf } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { readName } from "../../x509/names/distinguished-name";
import { readLinks } from "../client/headers";
import { type AcmeIdentifier, renderNames } from "../client/identifier";
import type { AcmeResponse } from "../client/transport";
import { areSameNames, type OrderContext } from "./order";

/** CAs have two or three; more are not asked for. */
const MOST_ALTERNATES = 10;

const MEDIA_TYPE = "application/pem-certificate-chain";

/** What was ordered, which the answer is held against. */
export interface ExpectedCertificate {
  readonly identifiers: readonly AcmeIdentifier[];
  readonly preferredChain?: string;
}

/**
 * Downloads the certificate of a valid order (RFC 8555 section 7.4.2), with the CA's other chains if one is preferred.
 * @throws TlsError ACME_PROTOCOL: the answer is no chain of PEM blocks, leaf first and each signed by the next, or the
 * leaf is not for exactly the names ordered; those of the requests
 */
export async function downloadCertificate(
  context: OrderContext,
  url: string,
  expected: ExpectedCertificate,
): Promise<ChosenChain> {
  const doing = `downloading the certificate for ${renderNames(expected.identifiers)}`;
  const download = (from: string) => downloadChain(context, from, { doing, expected });
  const first = await download(url);
  const offered: [OfferedChain, ...OfferedChain[]] = [first.chain];
  // without a preference nothing is to be chosen, and each chain would cost a request
  for (const alternate of expected.preferredChain === undefined ? [] : first.alternates) {
    offered.push((await download(alternate)).chain);
  }
  return choosePreferredChain(offered, expected.preferredChain);
}

/** Whether a certificate is for a key. */
export function isOfKey(certificate: Certificate, publicKey: KeyObject): boolean {
  return publicKeyOf(certificate)?.equals(publicKey) === true;
}

interface Wanted {
  readonly doing: string;
  readonly expected: ExpectedCertificate;
}

async function downloadChain(
  { session, accountUrl, deadline }: OrderContext,
  url: string,
  wanted: Wanted,
): Promise<{ readonly chain: OfferedChain; readonly alternates: readonly string[] }> {
  const { doing } = wanted;
  const response = await session.post(url, "", { kid: accountUrl, doing, deadline, accept: MEDIA_TYPE });
  const chain = { url, certificates: readChainAnswer(response, wanted) };
  const alternates = readLinks(response.headers.link)
    .filter(({ rel }) => rel === "alternate")
    .slice(0, MOST_ALTERNATES)
    .map(({ target }) => session.readLink(target, `${doing}: an alternate chain`, url));
  return { chain, alternates: [...new Set(alternates)].filter((alternate) => alternate !== url) };
}

/** Reads an answer: the leaf first, each one signed by the next. */
function readChainAnswer({ body }: AcmeResponse, wanted: Wanted): OfferedChain["certificates"] {
  const { doing, expected } = wanted;
  const [leaf, ...issuers] = readBlocks(body, doing);
  if (leaf === undefined) throw unfit(doing, "the answer holds no certificate");
  let child = leaf;
  for (const issuer of issuers) {
    if (!isIssuedBy(child, issuer)) {
      const found = `${describeCertificate(child)} is not signed by what follows it, ${describeCertificate(issuer)}`;
      throw unfit(doing, `the answer is no chain: ${found}`);
    }
    child = issuer;
  }
  const names = leaf.identifiers.filter((name): name is AcmeIdentifier => name.type === "dns" || name.type === "ip");
  if (leaf.isCa) throw unfit(doing, `the answer begins with the certificate of a CA, ${describeCertificate(leaf)}`);
  if (names.length !== leaf.identifiers.length || !areSameNames(names, expected.identifiers)) {
    const found = leaf.identifiers.length === 0 ? "no name" : renderNames(leaf.identifiers);
    throw unfit(doing, `the certificate is for ${found}`);
  }
  return [leaf, ...issuers];
}

function readBlocks(body: Buffer, doing: string): readonly Certificate[] {
  try {
    return readCertificates(body.toString("latin1"), "the answer");
  } catch (cause) {
    if (!isTlsError(cause)) throw cause;
    throw unfit(doing, cause.reason.replace(/\.$/, ""), cause);
  }
}

function unfit(doing: string, found: string, cause?: unknown): TlsError {
  return new TlsError("ACME_PROTOCOL", `${doing}: ${found}.`, {
    hint: "The CA does not keep to RFC 8555 section 9.1 here: tell its operator, or look whether something stands between.",
    cause,
  });
}

/** One of the chains that a CA offers for a certificate: the leaf first, each signed by the next, without the root. */
export interface OfferedChain {
  readonly url: string;
  readonly certificates: readonly [leaf: Certificate, ...issuers: Certificate[]];
}

/** The chain that is taken, and what there was. */
interface ChosenChain {
  readonly chain: OfferedChain;
  /** False when a chain was preferred and none of those offered is it. */
  readonly isPreferred: boolean;
  /** Common name of the issuer of each chain's last certificate, in the order of the offer. */
  readonly tops: readonly string[];
}

/**
 * Chooses the chain whose last certificate was issued by `preferred`, by its common name as lego's and certbot's options
 * of this name do, else the first, which is the CA's own choice. An issuer without a common name has its whole name.
 */
export function choosePreferredChain(
  offered: readonly [OfferedChain, ...OfferedChain[]],
  preferred: string | undefined,
): ChosenChain {
  const tops = offered.map(topOf);
  const at = preferred === undefined ? 0 : tops.indexOf(preferred);
  return { chain: offered[at] ?? offered[0], isPreferred: at !== -1, tops };
}

function topOf({ certificates }: OfferedChain): string {
  const last = certificates[certificates.length - 1] ?? certificates[0];
  return readName(readDer(last.issuerDer, "the issuer")).commonName ?? last.issuer;
}
