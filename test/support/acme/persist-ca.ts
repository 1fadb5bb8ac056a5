// Guards: draft -02 of dns-persist-01, which no CA speaks yet. A CA on loopback that does: it checks every signature and
// nonce, and validates by its own reading of the draft, so that a mistake of ours is not made twice.
import { createHash, createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { renderPem } from "../../../provider/src/x509/asn1/pem";
import { issueCaCertificate, issueLeafCertificate } from "../../../provider/src/x509/certificate/issue";
import { readCertificateRequest } from "../../../provider/src/x509/certificate/request";
import type { Identifier } from "../../../provider/src/x509/names/identifier";

export interface PersistCaOptions {
  /** The TXT values at a name, which it asks when it validates. */
  readonly resolveTxt: (name: string) => readonly string[];
  /** Of the directory. */
  readonly issuerDomainNames?: readonly string[];
  readonly caaIdentities?: readonly string[];
  /** Of its challenges; default: the same. */
  readonly challengeNames?: readonly string[];
}

interface Account {
  readonly url: string;
  /** Thumbprints of all its keys, the present one first (draft section 4.2: witnessed keys are kept). */
  thumbprints: readonly string[];
  key: JsonWebKey;
}

interface Authorization {
  readonly identifier: Identifier;
  readonly isWildcard: boolean;
  status: "pending" | "valid" | "invalid";
  error?: { readonly type: string; readonly detail: string };
}

interface Order {
  readonly identifiers: readonly Identifier[];
  readonly authorizations: readonly number[];
  status: "pending" | "valid";
  certificate?: string;
}

/** What a request says, when its signature is good. */
interface Asked {
  readonly path: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly jwk: JsonWebKey;
  readonly account: Account | undefined;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const day = 86_400_000;

/** A CA that runs. */
export class PersistCa {
  /** Payloads that challenges were answered with. */
  readonly answers: unknown[] = [];
  orderCount = 0;
  readonly #server: Server;
  readonly #options: PersistCaOptions;
  readonly #nonces = new Set<string>();
  readonly #accounts: Account[] = [];
  readonly #authorizations: Authorization[] = [];
  readonly #orders: Order[] = [];
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #root = issueCaCertificate({
    ...{ subject: { commonName: "Persist Root" }, privateKey: this.#keys.privateKey, serialNumber: randomBytes(16) },
    ...{ validFrom: new Date(Date.now() - day), validTo: new Date(Date.now() + 1000 * day) },
  });

  private constructor(server: Server, options: PersistCaOptions) {
    [this.#server, this.#options] = [server, options];
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  static async start(options: PersistCaOptions): Promise<PersistCa> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    return new PersistCa(server, options);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get accountHashPrefix(): string {
    return `${this.url}/account-hash/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const nonce = randomBytes(16).toString("base64url");
    this.#nonces.add(nonce);
    const { status = 200, body, headers } = this.#reply(request, Buffer.concat(chunks).toString());
    response
      .writeHead(status, { "replay-nonce": nonce, "content-type": "application/json", ...headers })
      .end(typeof body === "string" ? body : JSON.stringify(body));
  }

  #reply({ url: path = "", method }: IncomingMessage, text: string): Reply {
    if (path === "/directory") return { body: this.#directory() };
    if (method === "HEAD") return { body: "" };
    try {
      return this.#answer(this.#open(path, text));
    } catch (error) {
      const [type = "", detail] = String((error as Error).message).split(": ");
      return { status: 400, body: { type: `urn:ietf:params:acme:error:${type}`, detail } };
    }
  }

  #directory(): unknown {
    const at = (path: string) => `${this.url}/${path}`;
    const { issuerDomainNames, caaIdentities } = this.#options;
    return {
      ...{ newNonce: at("nonce"), newAccount: at("new-account"), newOrder: at("new-order") },
      ...{ revokeCert: at("revoke"), keyChange: at("key-change") },
      meta: { accountHashPrefix: this.accountHashPrefix, issuerDomainNames, caaIdentities },
    };
  }

  /** RFC 8555 section 6.2. */
  #open(path: string, body: string): Asked {
    const { header, payload } = this.#verify(body, path);
    if (!this.#nonces.delete(String(header.nonce))) throw new Error("badNonce: it was not given, or used");
    const account = this.#accounts.find(({ url }) => url === header.kid);
    return { path, payload, jwk: (header.jwk ?? account?.key) as JsonWebKey, account };
  }

  #verify(body: string, path: string) {
    const { protected: encoded, payload, signature } = JSON.parse(body) as Readonly<Record<string, string>>;
    const decode = (text = "") => Buffer.from(text, "base64url");
    const header = JSON.parse(decode(encoded).toString()) as Readonly<Record<string, unknown>>;
    const jwk = (header.jwk ?? this.#accounts.find(({ url }) => url === header.kid)?.key) as JsonWebKey | undefined;
    if (jwk === undefined || header.alg !== "ES256") throw new Error("unauthorized: no key");
    const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
    const isGood = verify("sha256", Buffer.from(`${encoded}.${payload}`), key, decode(signature));
    if (!isGood || header.url !== `${this.url}${path}`)
      throw new Error("unauthorized: a bad signature, or another URL");
    const text = decode(payload).toString();
    return { header, payload: (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>> };
  }

  #answer({ path, jwk, account, payload }: Asked): Reply {
    const [, kind = "", id = ""] = path.split("/");
    const number = Number(id);
    if (kind === "new-account") return this.#newAccount(jwk, payload.onlyReturnExisting === true);
    if (account === undefined) throw new Error("accountDoesNotExist: no account");
    switch (kind) {
      case "key-change":
        account.key = this.#verify(JSON.stringify(payload), path).header.jwk as JsonWebKey;
        account.thumbprints = [thumbprintOf(account.key), ...account.thumbprints];
        return { body: {} };
      case "new-order":
        return this.#newOrder(payload.identifiers as readonly Identifier[]);
      case "order":
        return { body: this.#showOrder(number) };
      case "authorization":
        return { body: this.#showAuthorization(number) };
      case "challenge":
        this.answers.push(payload);
        this.#validate(this.#authorizations[number] as Authorization, account);
        return { body: this.#showChallenge(number) };
      case "finalize":
        return this.#finalize(number, String(payload.csr));
      default:
        return { body: this.#orders[number]?.certificate };
    }
  }

  #newAccount(key: JsonWebKey, isLooking: boolean): Reply {
    const thumbprint = thumbprintOf(key);
    const found = this.#accounts.find(({ thumbprints: [present] }) => present === thumbprint);
    if (found !== undefined) return { body: { status: "valid" }, headers: { location: found.url } };
    if (isLooking) throw new Error("accountDoesNotExist: none");
    const url = `${this.url}/account/${this.#accounts.length + 1}`;
    this.#accounts.push({ url, key, thumbprints: [thumbprint] });
    return { status: 201, body: { status: "valid" }, headers: { location: url } };
  }

  #newOrder(identifiers: readonly Identifier[]): Reply {
    const authorizations = identifiers.map(({ type, value }) => {
      const isWildcard = value.startsWith("*.");
      const identifier = { type, value: isWildcard ? value.slice(2) : value };
      return this.#authorizations.push({ identifier, isWildcard, status: "pending" }) - 1;
    });
    const number = this.#orders.push({ identifiers, authorizations, status: "pending" }) - 1;
    this.orderCount += 1;
    return { status: 201, body: this.#showOrder(number), headers: { location: `${this.url}/order/${number}` } };
  }

  #showOrder(number: number): unknown {
    const { identifiers, authorizations, status } = this.#orders[number] as Order;
    const statuses = authorizations.map((one) => this.#authorizations[one]?.status);
    const isReady = statuses.every((one) => one === "valid");
    const now = statuses.includes("invalid") ? "invalid" : isReady ? "ready" : "pending";
    return {
      ...{ identifiers, status: status === "valid" ? status : now, finalize: `${this.url}/finalize/${number}` },
      authorizations: authorizations.map((one) => `${this.url}/authorization/${one}`),
      ...(status === "valid" && { certificate: `${this.url}/certificate/${number}` }),
    };
  }

  #showAuthorization(number: number): unknown {
    const { identifier, isWildcard, status } = this.#authorizations[number] as Authorization;
    return { identifier, status, ...(isWildcard && { wildcard: true }), challenges: [this.#showChallenge(number)] };
  }

  /** Draft section 3.1: there is no token. */
  #showChallenge(number: number): unknown {
    const { status, error } = this.#authorizations[number] as Authorization;
    const issuerDomainNames = this.#options.challengeNames ?? this.#options.issuerDomainNames;
    return { type: "dns-persist-01", url: `${this.url}/challenge/${number}`, status, issuerDomainNames, error };
  }

  /** Draft sections 4.2 and 4.3.2; errors by section 9.3.1. */
  #validate(authorization: Authorization, account: Account): void {
    const { value: domain } = authorization.identifier;
    const names = this.#options.challengeNames ?? this.#options.issuerDomainNames ?? [];
    const hashes = account.thumbprints.flatMap((key) =>
      [domain, "*"].map((name) => this.#hash(name, key, account.url)),
    );
    const failures = this.#options.resolveTxt(`_validation-persist.${domain}`).flatMap((text) => {
      const [issuer = ""] = text.split(";");
      if (!names.includes(issuer.trim())) return [];
      const value = readIssueValue(text);
      const uri = value?.get("accounturi");
      const until = value?.get("persistuntil");
      if (uri === undefined || (until !== undefined && !/^\d+$/.test(until))) return ["malformed"];
      const form = /^sha-256\/[\w-]{43}$/;
      if (!uri.startsWith(this.accountHashPrefix) || !form.test(uri.slice(this.accountHashPrefix.length))) {
        return ["malformed"];
      }
      const isAllowed = !authorization.isWildcard || value?.get("policy")?.toLowerCase() === "wildcard";
      const isOver = until !== undefined && Date.now() / 1000 > Number(until);
      return [hashes.includes(uri) && isAllowed && !isOver ? "" : "unauthorized"];
    });
    authorization.status = failures.includes("") ? "valid" : "invalid";
    const kind = failures.includes("malformed") ? "malformed" : "unauthorized";
    const detail = `no record of ${domain} is good`;
    if (!failures.includes("")) authorization.error = { type: `urn:ietf:params:acme:error:${kind}`, detail };
  }

  /** Draft section 4.1, item 3. */
  #hash(domain: string, thumbprint: string, accountUrl: string): string {
    const input = Buffer.from(`${String.fromCharCode(domain.length)}${domain}${thumbprint}${accountUrl}`, "ascii");
    return `${this.accountHashPrefix}sha-256/${createHash("sha256").update(input).digest("base64url")}`;
  }

  #finalize(number: number, csr: string): Reply {
    const order = this.#orders[number] as Order;
    if (!order.authorizations.every((one) => this.#authorizations[one]?.status === "valid")) {
      throw new Error("orderNotReady: not proved");
    }
    const { publicKey, identifiers } = readCertificateRequest(
      renderPem("CERTIFICATE REQUEST", Buffer.from(csr, "base64url")),
    );
    const leaf = issueLeafCertificate({
      ...{ ca: this.#root, caPrivateKey: this.#keys.privateKey, publicKey, identifiers, usage: "server" },
      ...{ serialNumber: randomBytes(16), validFrom: new Date(Date.now() - 1000), validTo: new Date(Date.now() + day) },
    });
    [order.certificate, order.status] = [leaf.pem + this.#root.pem, "valid"];
    return { body: this.#showOrder(number) };
  }
}

/** RFC 7638. */
function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

/** RFC 8659 section 4.2 as one pattern; undefined: it is malformed, or a tag stands there twice. */
function readIssueValue(text: string): ReadonlyMap<string, string> | undefined {
  const label = "[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*";
  const parameter = `[ \\t]*(?:${label})[ \\t]*=[ \\t]*[!-:<-~]*[ \\t]*`;
  const whole = new RegExp(`^[ \\t]*${label}(?:\\.${label})*[ \\t]*(?:;${parameter})*$`);
  if (!whole.test(text)) return undefined;
  const pairs = text
    .split(";")
    .slice(1)
    .map((pair) => [pair.slice(0, pair.indexOf("=")).trim().toLowerCase(), pair.slice(pair.indexOf("=") + 1).trim()]);
  const values = new Map(pairs as [string, string][]);
  return values.size === pairs.length ? values : undefined;
}
