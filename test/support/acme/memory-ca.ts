// Guards: a state of an order that no real CA gets into when it is told to. A session that answers from memory: each
// request is counted, each can be answered otherwise, and time passes without waiting.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import type { AcmeDirectory } from "../../../provider/src/acme/client/directory";
import { readAccountKey } from "../../../provider/src/acme/client/jws";
import { explainAnswer } from "../../../provider/src/acme/client/problem";
import { AcmeSession, type GetOptions, type PostOptions } from "../../../provider/src/acme/client/session";
import { type AcmeResponse, AcmeTransport } from "../../../provider/src/acme/client/transport";
import type { AcmeClock } from "../../../provider/src/acme/run/deadline";
import { renderPem } from "../../../provider/src/x509/asn1/pem";
import { issueCaCertificate, issueLeafCertificate } from "../../../provider/src/x509/certificate/issue";
import { readCertificateRequest } from "../../../provider/src/x509/certificate/request";
import type { Identifier } from "../../../provider/src/x509/names/identifier";

/** What a request is about; the last part of its URL is a number. */
export type Asked =
  | "new-order"
  | "order"
  | "authorization"
  | "challenge"
  | "finalize"
  | "certificate"
  | "revoke"
  | "renewal-info";

/** An answer in place of the usual one; "after" has the CA do what it was asked first. */
export interface MemoryFault {
  readonly status: number;
  readonly type?: string;
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly after?: boolean;
}

interface StoredOrder {
  status: string;
  identifiers: readonly Identifier[];
  authorizations: readonly string[];
  profile?: string;
  expires?: string;
  certificate?: string;
  error?: unknown;
}

interface StoredChallenge {
  readonly type: string;
  readonly url: string;
  status: string;
  readonly token: string;
  error?: unknown;
}

interface StoredAuthorization {
  status: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard?: boolean;
  readonly challenges: readonly StoredChallenge[];
}

const base = "https://ca.test";
const hour = 3600_000;

/** The CA's memory, and what it does next. */
export class MemoryCa {
  /** Every request, in order. */
  readonly requests: Asked[] = [];
  readonly orders = new Map<string, StoredOrder>();
  readonly authorizations = new Map<string, StoredAuthorization>();
  /** Payload of each new order. */
  readonly ordered: Readonly<Record<string, unknown>>[] = [];
  /** Names that are proved already. */
  readonly proved = new Set<string>();
  /** Names whose proof fails, with the CA's reason. */
  readonly refused = new Map<string, string>();
  /** How often an order is "processing" before it is valid. */
  processing = 1;
  /** How often an authorization is looked at before the CA has decided. */
  looks = 0;
  /** Called when it decides. */
  whenDecided: () => void = () => {};
  offered: readonly string[] = ["http-01", "tls-alpn-01", "dns-01"];
  hasRenewalInfo = true;
  /** What is answered about a certificate's renewal. */
  renewal: unknown = { suggestedWindow: { start: "2027-01-01T00:00:00Z", end: "2027-01-02T00:00:00Z" } };
  /** Orders stay "pending" whatever becomes of their authorizations. */
  isOrderSlow = false;
  /** Headers of an order that is being processed. */
  processingHeaders: Readonly<Record<string, string>> = {};
  /** What is served as the chain. */
  chainOf: (leaf: string, issuer: string) => string = (leaf, issuer) => leaf + issuer;
  now = new Date("2026-11-24T12:00:00.000Z");
  /** Milliseconds of each wait. */
  readonly waits: number[] = [];
  readonly #faults = new Map<Asked, MemoryFault[]>();
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #root = issueCaCertificate({
    subject: { commonName: "Scripted Root" },
    privateKey: this.#keys.privateKey,
    serialNumber: randomBytes(16),
    validFrom: new Date(this.now.getTime() - hour),
    validTo: new Date(this.now.getTime() + 10_000 * hour),
  });
  readonly #chains = new Map<string, string>();
  readonly #left = new Map<string, number>();
  #count = 0;

  readonly clock: AcmeClock = {
    now: () => this.now,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      this.waits.push(ms);
      this.now = new Date(this.now.getTime() + ms);
    },
  };

  session(): AcmeSession {
    return new MemorySession(this);
  }

  count(asked: Asked): number {
    return this.requests.filter((one) => one === asked).length;
  }

  /** Answers the next requests of a kind otherwise. */
  fail(asked: Asked, ...faults: readonly MemoryFault[]): void {
    this.#faults.set(asked, [...(this.#faults.get(asked) ?? []), ...faults]);
  }

  /** From now on requests of a kind are answered as usual. */
  forget(asked: Asked): void {
    this.#faults.delete(asked);
  }

  answer(url: string, payload: unknown): AcmeResponse {
    const [, asked = "", id = ""] = /^https:\/\/ca\.test\/([a-z-]+)\/?(.*)$/.exec(url) ?? [];
    const kind = asked as Asked;
    this.requests.push(kind);
    const fault = this.#faults.get(kind)?.shift();
    if (fault === undefined) return this.#answer(kind, { id, url, payload });
    if (fault.after === true) this.#answer(kind, { id, url, payload });
    const { status, type, detail, headers = {} } = fault;
    const body = type === undefined ? undefined : { type: `urn:ietf:params:acme:error:${type}`, detail };
    return respond(status, body, headers);
  }

  #answer(kind: Asked, { id, url, payload }: { id: string; url: string; payload: unknown }): AcmeResponse {
    const given = (payload === "" ? {} : payload) as Readonly<Record<string, unknown>>;
    switch (kind) {
      case "new-order":
        return this.#newOrder(given);
      case "order": {
        const order = this.#orderAt(id);
        return order === undefined ? respond(404) : this.#show(id, order);
      }
      case "authorization":
        return this.#look(url);
      case "challenge":
        return this.#validate(url);
      case "finalize":
        return this.#finalize(id, given);
      case "certificate": {
        const chain = this.#chains.get(url);
        return chain === undefined ? respond(404) : respond(200, chain);
      }
      case "revoke":
        return respond(200);
      case "renewal-info":
        return respond(200, this.renewal, { "retry-after": "3600" });
    }
  }

  #newOrder(given: Readonly<Record<string, unknown>>): AcmeResponse {
    this.ordered.push(given);
    const identifiers = given.identifiers as readonly Identifier[];
    const authorizations = identifiers.map((identifier) => this.#authorize(identifier));
    const id = String(++this.#count);
    const profile = given.profile as string | undefined;
    this.orders.set(id, { status: "pending", identifiers, authorizations, ...(profile !== undefined && { profile }) });
    return this.#show(id, this.#orderAt(id) as StoredOrder, 201);
  }

  #authorize({ type, value }: Identifier): string {
    const url = `${base}/authorization/${++this.#count}`;
    const isWildcard = value.startsWith("*.");
    const challenges = this.offered.map((kind) => ({
      type: kind,
      url: `${base}/challenge/${++this.#count}`,
      status: "pending",
      token: `token-${this.#count}`,
    }));
    const status = this.proved.has(value) ? "valid" : "pending";
    const identifier = { type, value: isWildcard ? value.slice(2) : value };
    this.authorizations.set(url, { status, identifier, challenges, ...(isWildcard && { wildcard: true }) });
    return url;
  }

  /** An order's status follows from those of its authorizations until it is finalized. */
  #orderAt(id: string): StoredOrder | undefined {
    const order = this.orders.get(id);
    if (order?.status !== "pending" || this.isOrderSlow) return order;
    const statuses = order.authorizations.map((url) => this.authorizations.get(url)?.status);
    if (statuses.some((status) => status !== "valid" && status !== "pending")) order.status = "invalid";
    else if (statuses.every((status) => status === "valid")) order.status = "ready";
    return order;
  }

  #show(id: string, order: StoredOrder, status = 200): AcmeResponse {
    const left = this.#left.get(id) ?? 0;
    if (order.status === "processing" && left > 0) this.#left.set(id, left - 1);
    else if (order.status === "processing") order.status = "valid";
    const { certificate, ...rest } = order;
    const shown = { ...rest, finalize: `${base}/finalize/${id}`, ...(order.status === "valid" && { certificate }) };
    const headers = order.status === "processing" ? this.processingHeaders : {};
    return respond(status, shown, { location: `${base}/order/${id}`, ...headers });
  }

  #look(url: string): AcmeResponse {
    const authorization = this.authorizations.get(url);
    if (authorization === undefined) return respond(404);
    const challenge = authorization.challenges.find(({ status }) => status === "processing");
    const left = this.#left.get(url) ?? 0;
    if (challenge !== undefined && left > 1) this.#left.set(url, left - 1);
    else if (challenge !== undefined) this.#decide(authorization, challenge);
    return respond(200, authorization);
  }

  #validate(url: string): AcmeResponse {
    for (const [at, authorization] of this.authorizations) {
      const challenge = authorization.challenges.find((one) => one.url === url);
      if (challenge === undefined) continue;
      if (challenge.status !== "pending") return problem(400, "malformed", "Cannot update this challenge");
      challenge.status = "processing";
      this.#left.set(at, this.looks);
      if (this.looks === 0) this.#decide(authorization, challenge);
      return respond(200, challenge);
    }
    return respond(404);
  }

  #decide(authorization: StoredAuthorization, challenge: StoredChallenge): void {
    const name = `${authorization.wildcard === true ? "*." : ""}${authorization.identifier.value}`;
    const reason = this.refused.get(name);
    const status = reason === undefined ? "valid" : "invalid";
    [authorization.status, challenge.status] = [status, status];
    if (reason !== undefined) challenge.error = { type: "urn:ietf:params:acme:error:dns", detail: reason, status: 400 };
    this.whenDecided();
  }

  #finalize(id: string, { csr }: Readonly<Record<string, unknown>>): AcmeResponse {
    const order = this.#orderAt(id);
    if (order === undefined) return respond(404);
    if (order.status !== "ready") {
      return problem(403, "orderNotReady", `Order's status ("${order.status}") was not ready`);
    }
    const request = readCertificateRequest(renderPem("CERTIFICATE REQUEST", Buffer.from(String(csr), "base64url")));
    const leaf = issueLeafCertificate({
      ca: this.#root,
      caPrivateKey: this.#keys.privateKey,
      publicKey: request.publicKey,
      identifiers: request.identifiers,
      usage: "server",
      serialNumber: randomBytes(16),
      validFrom: new Date(this.now.getTime() - hour),
      validTo: new Date(this.now.getTime() + 2160 * hour),
    });
    order.certificate = `${base}/certificate/${id}`;
    order.status = "processing";
    this.#left.set(id, this.processing);
    this.#chains.set(order.certificate, this.chainOf(leaf.pem, this.#root.pem));
    return this.#show(id, order);
  }
}

class MemorySession extends AcmeSession {
  readonly #ca: MemoryCa;

  constructor(ca: MemoryCa) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = readAccountKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    super({ directoryUrl: `${base}/directory`, key, transport: new AcmeTransport(), clock: ca.clock });
    this.#ca = ca;
  }

  override async directory(): Promise<AcmeDirectory> {
    const url = (name: string) => `${base}/${name}`;
    return {
      newNonce: url("nonce"),
      newAccount: url("account"),
      newOrder: url("new-order"),
      revokeCert: url("revoke"),
      keyChange: url("key-change"),
      ...(this.#ca.hasRenewalInfo && { renewalInfo: url("renewal-info") }),
      meta: {},
    };
  }

  override get(url: string, options: GetOptions): Promise<AcmeResponse> {
    return this.post(url, "", options);
  }

  override async post(url: string, payload: unknown, { doing, deadline }: PostOptions): Promise<AcmeResponse> {
    deadline.check(doing);
    const answer = this.#ca.answer(url, payload);
    if (answer.status >= 300) throw explainAnswer(answer, doing, this.#ca.now);
    return answer;
  }
}

function respond(status: number, body?: unknown, headers: Readonly<Record<string, string>> = {}): AcmeResponse {
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  return { status, headers, body: Buffer.from(text) };
}

function problem(status: number, type: string, detail: string): AcmeResponse {
  return respond(status, { type: `urn:ietf:params:acme:error:${type}`, detail, status });
}
