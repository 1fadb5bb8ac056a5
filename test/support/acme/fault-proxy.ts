// Guards: an ACME client that is right only with a CA that never fails. Stands between client and Pebble, counts what
// passes, and fails as planned. It passes the client's Host header on, from which Pebble makes every URL that it tells
// and against which it checks the URL in each signature: so all requests go through the proxy, and all are valid.
import { once } from "node:events";
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { leafExtensions, OpensslPki } from "../x509/openssl-pki";

/** What a request is, by Pebble's paths. */
export type ProxiedKind =
  | "directory"
  | "newNonce"
  | "newAccount"
  | "account"
  | "newOrder"
  | "order"
  | "finalize"
  | "authorization"
  | "challenge"
  | "certificate"
  | "revokeCert"
  | "keyChange"
  | "renewalInfo"
  | "other";

/** wfe/wfe.go of Pebble 2.10.1. */
const paths: readonly (readonly [string, ProxiedKind])[] = [
  ["/dir", "directory"],
  ["/nonce-plz", "newNonce"],
  ["/sign-me-up", "newAccount"],
  ["/my-account/", "account"],
  ["/order-plz", "newOrder"],
  ["/my-order/", "order"],
  ["/finalize-order/", "finalize"],
  ["/authZ/", "authorization"],
  ["/chalZ/", "challenge"],
  ["/certZ/", "certificate"],
  ["/revoke-cert", "revokeCert"],
  ["/rollover-account-key", "keyChange"],
  ["/draft-ietf-acme-ari-03/renewalInfo", "renewalInfo"],
];

/** What happens to a request instead of being passed. */
export type FaultAction =
  /** An answer of the proxy's own, the CA sees nothing; with `nonce` it carries a valid one, as Let's Encrypt's do. */
  | { readonly answer: FaultAnswer }
  /** The connection is cut: the CA saw nothing (`before`), or did what was asked (`after`). */
  | { readonly drop: "before" | "after" }
  /** The CA did what was asked, half of the answer's body comes, then the connection is cut. */
  | { readonly half: true }
  /** The CA did what was asked, the answer comes so much later. */
  | { readonly slowMs: number }
  /** The CA did what was asked, no answer ever comes. */
  | { readonly hold: true }
  /** The answer with other octets in its body. */
  | { readonly rewrite: (body: string) => string }
  /** The test is asked, before the CA sees the request or when its answer is there: it goes on, or its connection is cut. */
  | { readonly ask: () => Promise<"pass" | "cut">; readonly at: "before" | "after" };

export interface FaultAnswer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  /** An object is sent as `application/problem+json`. */
  readonly body?: string | Readonly<Record<string, unknown>>;
  readonly nonce?: boolean;
}

export interface Fault {
  /** Which requests; "signed" are all by POST. */
  readonly on: ProxiedKind | "any" | "signed";
  /** The first one that it happens to, 1 by default, counted from when the fault was planned. */
  readonly from?: number;
  /** To how many in a row, 1 by default. */
  readonly times?: number;
  readonly action: FaultAction;
}

/** A request that came. */
export interface ProxiedRequest {
  readonly kind: ProxiedKind;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Planned extends Fault {
  seen: number;
}

interface Target {
  readonly directoryUrl: string;
  readonly caBundlePem: string;
}

/** A proxy that runs. */
export class FaultProxy {
  readonly directoryUrl: string;
  /** What its https server is judged by. */
  readonly caBundlePem: string;
  readonly requests: ProxiedRequest[] = [];
  /** Every connection ever made to it. */
  connections = 0;
  readonly #planned: Planned[] = [];
  readonly #awaited: { readonly kind: ProxiedKind; readonly resolve: (request: ProxiedRequest) => void }[] = [];
  readonly #server: Server;
  readonly #pki: OpensslPki;
  readonly #target: URL;
  readonly #agent: Agent;

  private constructor(server: Server, pki: OpensslPki, caBundlePem: string, target: Target) {
    const { port } = server.address() as AddressInfo;
    const { pathname } = new URL(target.directoryUrl);
    this.directoryUrl = `https://localhost:${port}${pathname}`;
    [this.#server, this.#pki, this.caBundlePem] = [server, pki, caBundlePem];
    this.#target = new URL(target.directoryUrl);
    this.#agent = new Agent({ keepAlive: true, ca: target.caBundlePem });
  }

  /** Starts one in front of a Pebble. */
  static async start(target: Target): Promise<FaultProxy> {
    const pki = new OpensslPki();
    const { pem, keyPem } = pki.issue("localhost", { extensions: leafExtensions("DNS:localhost,IP:127.0.0.1") });
    const server = createServer({ cert: pem, key: keyPem }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new FaultProxy(server, pki, pem, target);
    server.on("secureConnection", () => {
      proxy.connections += 1;
    });
    server.on("request", (asked, response) => {
      proxy.#serve(asked, response).catch((error: unknown) => response.destroy(error as Error));
    });
    return proxy;
  }

  /** Plans faults, beside those that are planned already; the first that fits happens. */
  plan(...faults: readonly Fault[]): void {
    this.#planned.push(...faults.map((fault) => ({ ...fault, seen: 0 })));
  }

  /** Forgets what is planned and what was counted. */
  reset(): void {
    this.#planned.length = 0;
    this.requests.length = 0;
    this.connections = 0;
  }

  /** How many requests of this kind came, failed ones too. */
  count(kind: ProxiedKind | "signed"): number {
    return this.requests.filter((one) => (kind === "signed" ? one.method === "POST" : one.kind === kind)).length;
  }

  /** The next request of this kind, when it comes. */
  next(kind: ProxiedKind): Promise<ProxiedRequest> {
    return new Promise((resolve) => {
      this.#awaited.push({ kind, resolve });
    });
  }

  /** Cuts what is open; resolves when the server is gone. */
  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
    this.#pki.remove();
  }

  async #serve(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = asked;
    const body = (await readAll(asked)).toString();
    const kind =
      paths.find(([start]) =>
        start.endsWith("/") ? path.startsWith(start) : path.split("?")[0] === start || path.startsWith(`${start}/`),
      )?.[1] ?? "other";
    const request: ProxiedRequest = { kind, method, path, headers, body };
    this.requests.push(request);
    const action = this.#faultFor(request);
    for (const one of this.#awaited.filter((each) => each.kind === kind)) {
      this.#awaited.splice(this.#awaited.indexOf(one), 1);
      one.resolve(request);
    }
    if (action !== undefined && "answer" in action) return this.#answer(action.answer, request, response);
    if (action !== undefined && "drop" in action && action.drop === "before") return reset(response);
    const asks = action !== undefined && "ask" in action ? action : undefined;
    if (asks?.at === "before" && (await asks.ask()) === "cut") return reset(response);
    const passed = await this.#pass(request);
    if (asks?.at === "after" && (await asks.ask()) === "cut") return reset(response);
    if (action === undefined || "ask" in action) return send(response, passed);
    if ("drop" in action) return reset(response);
    if ("hold" in action) return;
    if ("rewrite" in action)
      return send(response, { ...passed, body: Buffer.from(action.rewrite(passed.body.toString())) });
    if ("half" in action) {
      response.writeHead(passed.status, withLength(passed));
      response.write(passed.body.subarray(0, passed.body.length / 2), () => reset(response));
      return;
    }
    setTimeout(() => send(response, passed), action.slowMs);
  }

  #faultFor({ kind, method }: ProxiedRequest): FaultAction | undefined {
    let found: FaultAction | undefined;
    for (const fault of this.#planned) {
      if (fault.on !== "any" && fault.on !== kind && !(fault.on === "signed" && method === "POST")) continue;
      fault.seen += 1;
      const first = fault.from ?? 1;
      if (fault.seen >= first && fault.seen < first + (fault.times ?? 1)) found ??= fault.action;
    }
    return found;
  }

  async #answer(answer: FaultAnswer, { headers }: ProxiedRequest, response: ServerResponse): Promise<void> {
    const { status, body = "", nonce } = answer;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const asked = { kind: "newNonce", method: "HEAD", path: "/nonce-plz", headers, body: "" } as const;
    const fresh = nonce === true ? (await this.#pass(asked)).headers["replay-nonce"] : undefined;
    const type = typeof body === "string" ? "text/html" : "application/problem+json";
    const more = fresh === undefined ? {} : { "replay-nonce": fresh };
    send(response, { status, headers: { "content-type": type, ...more, ...answer.headers }, body: Buffer.from(text) });
  }

  #pass({ method, path, headers, body }: ProxiedRequest): Promise<Passed> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#target;
      const { connection: _, "content-length": __, "content-type": type, ...rest } = headers;
      const passed =
        method === "POST" ? { ...rest, "content-type": type, "content-length": Buffer.byteLength(body) } : rest;
      const asked = request({ hostname, port, path, method, headers: passed, agent: this.#agent }, (response) => {
        readAll(response).then(
          (octets) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: octets }),
          reject,
        );
      });
      asked.once("error", reject);
      asked.end(body);
    });
  }
}

/** Starts a proxy in front of a Pebble: see {@link FaultProxy.start}. */
export function startFaultProxy(target: Target): Promise<FaultProxy> {
  return FaultProxy.start(target);
}

interface Passed {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

function send(response: ServerResponse, passed: Passed): void {
  response.writeHead(passed.status, withLength(passed)).end(passed.body);
}

function withLength({ headers, body }: Passed): OutgoingHttpHeaders {
  const { "transfer-encoding": _, connection: __, ...rest } = headers;
  return { ...rest, "content-length": body.length };
}

function reset(response: ServerResponse): void {
  response.socket?.destroy();
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
