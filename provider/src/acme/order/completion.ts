import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import { renderPem } from "../../x509/asn1/pem";
import { readCertificateRequest } from "../../x509/certificate/request";
import { type ChallengeType, renderNames } from "../client/identifier";
import { isAcmeError } from "../client/problem";
import { downloadCertificate, isOfKey } from "./download";
import type { FulfilJourney, OrderProgress } from "./journey";
import { fetchOrder, finalizeOrder, type Order, type OrderAnswer } from "./order";
import { AbandonedOrder, isGone } from "./placement";
import type { PollPauses } from "./polling";

/** A certificate that was ordered and is there. */
export interface Issued {
  /** The leaf and what follows it, without the root; each block in its strict form. */
  readonly fullChainPem: string;
  readonly certPem: string;
  /** The chain without the leaf; empty when the CA gave none. */
  readonly issuerPem: string;
  /** Where the chain that was taken is to be had. */
  readonly certificateUrl: string;
  readonly orderUrl: string;
  /** Secret; absent for a request of the user. */
  readonly keyPem?: string;
  /** True also when none is preferred. */
  readonly preferredChainFound: boolean;
  /** Common name of the issuer of the last certificate of each chain looked at: one, or all when one is preferred. */
  readonly chains: readonly string[];
  readonly progress: OrderProgress;
  /** The challenges that names were proved by in this run; none where all were proved before. */
  readonly provedBy: readonly ChallengeType[];
  /** Sentences for the user. */
  readonly notes: readonly string[];
}

/** What the last steps of an order go by. */
export interface Completion {
  readonly journey: FulfilJourney;
  /** The order was placed by an earlier run. */
  readonly isResumed: boolean;
}

/** Problems of the certificate request, which leave the order as it is (RFC 8555 section 6.7). */
const ofRequest: readonly string[] = ["badCSR", "badPublicKey", "badSignatureAlgorithm"];

/** Sends the certificate request. An order that is not ready after all is looked at again. */
export async function finalize(now: Order, surroundings: Completion, pauses: PollPauses): Promise<OrderAnswer> {
  const { journey, isResumed } = surroundings;
  const { flow } = journey;
  const request = await journey.request();
  const doing = `finalizing the order for ${renderNames(now.identifiers)}`;
  const { keyPem } = request;
  await journey.before("finalize", doing, keyPem === undefined ? {} : { certificateKeyPem: keyPem });
  try {
    const answer = await finalizeOrder(flow, now, request.der);
    await journey.after("finalized", { finalizedAt: flow.session.clock.now().toISOString() });
    return answer;
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    const { kind } = error.problem;
    if (kind === "orderNotReady") {
      return await pauses.look(
        undefined,
        `the order for ${renderNames(now.identifiers)} (${renderUrl(new URL(now.url))}) is not ready`,
        () => fetchOrder(flow, now.url),
      );
    }
    if (ofRequest.includes(kind)) {
      // another request is wanted, so the next run chooses its key anew
      await journey.forget("clean-up", "certificateKeyPem");
      throw error;
    }
    // what a limit, an outage or a firewall answers is not about the order
    const isFinal = error.code === "ACME_REJECTED" || error.code === "ACME_UNAUTHORIZED" || isGone(error);
    if (!isFinal) throw error;
    if (isResumed) throw new AbandonedOrder(`The order of an earlier run is not finalized any more (${error.reason})`);
    throw await journey.failed(error);
  }
}

/** Downloads the certificate and holds it against what was asked for. */
export async function download(now: Order, { journey, isResumed }: Completion): Promise<Issued> {
  const { flow } = journey;
  const url = now.certificate ?? "";
  await journey.before("download", "downloading the certificate", { certificateUrl: url });
  const { request, preferredChain } = flow;
  const expected = { identifiers: request.identifiers, ...(preferredChain !== undefined && { preferredChain }) };
  const { chain, isPreferred, tops } = await downloadCertificate(flow, url, expected).catch((error: unknown) => {
    if (isResumed && isGone(error)) throw new AbandonedOrder("The certificate of an earlier run is not there any more");
    throw error;
  });
  const [leaf, ...issuers] = chain.certificates;
  if (isResumed && leaf.validTo <= flow.session.clock.now()) {
    throw new AbandonedOrder("The certificate of an earlier run has expired");
  }
  const { der, keyPem } = await journey.request();
  if (!isOfKey(leaf, readCertificateRequest(renderPem("CERTIFICATE REQUEST", der)).publicKey)) {
    if (isResumed)
      throw new AbandonedOrder(
        "The certificate of an earlier run is there, but its key is lost or another one is wanted now",
      );
    throw new TlsError("ACME_PROTOCOL", "the certificate is not for the key of the request.", {
      hint: "The CA does not keep to RFC 8555 here: tell its operator.",
    });
  }
  if (!isPreferred) {
    journey.note(
      `No chain ends with the issuer ${renderQuoted(preferredChain ?? "")}: the CA offers ${tops.map(renderQuoted).join(", ")}. Its own choice is taken.`,
    );
  }
  await journey.after("downloaded", {
    certificateUrl: chain.url,
    ...(keyPem !== undefined && { certificateKeyPem: keyPem }),
  });
  return {
    fullChainPem: chain.certificates.map(({ pem }) => pem).join(""),
    certPem: leaf.pem,
    issuerPem: issuers.map(({ pem }) => pem).join(""),
    certificateUrl: chain.url,
    orderUrl: now.url,
    ...(keyPem !== undefined && { keyPem }),
    preferredChainFound: isPreferred,
    chains: tops,
    progress: journey.progress,
    provedBy: [...journey.provedBy],
    notes: journey.notes,
  };
}
