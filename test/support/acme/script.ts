// Guards: a CA's odd answers, which Pebble never gives. A CA in memory, between session and network.
import { type AcmeRequest, type AcmeResponse, AcmeTransport } from "../../../provider/src/acme/client/transport";

export const scriptUrl = "https://ca.test";

const names = ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange", "renewalInfo"];

/** What {@link ScriptedTransport} answers to its directory. */
export const scriptedDirectory = Object.fromEntries(names.map((name) => [name, `${scriptUrl}/${name}`]));

/** 200, a fresh nonce and `{}` by default; a body is written as JSON, a text as it is. */
export type ScriptedAnswer = Partial<Omit<AcmeResponse, "body">> & { readonly body?: unknown };

/** Answers a request; `at` counts those of its URL from 1. Undefined is the default, a failure is thrown. */
export type Script = (request: AcmeRequest, at: number) => ScriptedAnswer | Promise<ScriptedAnswer> | undefined;

/** A transport whose directory is `https://ca.test/dir`; its nonces are nonce-1, nonce-2, … */
export class ScriptedTransport extends AcmeTransport {
  readonly asked: AcmeRequest[] = [];
  readonly #script: Script;
  #issued = 0;

  constructor(script: Script = () => undefined) {
    super();
    this.#script = script;
  }

  override async request(request: AcmeRequest): Promise<AcmeResponse> {
    this.asked.push(request);
    const at = this.count(request.url);
    await new Promise(setImmediate);
    request.signal.throwIfAborted();
    const { status = 200, headers = {}, body = {} } = (await this.#script(request, at)) ?? {};
    const isDirectory = request.url === `${scriptUrl}/dir` && status === 200 && typeof body === "object";
    const sent = isDirectory ? { ...scriptedDirectory, ...(body as object) } : body;
    const nonce = request.method === "GET" ? {} : { "replay-nonce": `nonce-${++this.#issued}` };
    const text = typeof sent === "string" ? sent : JSON.stringify(sent);
    return { status, headers: { ...nonce, ...headers }, body: Buffer.from(text) };
  }

  /** How many requests this URL got. */
  count(url: string): number {
    return this.asked.filter((request) => request.url === url).length;
  }

  /** What was signed for each POST to this URL, or to any. */
  signed(url?: string): { readonly header: Readonly<Record<string, unknown>>; readonly payload: unknown }[] {
    return this.asked
      .filter((request) => request.method === "POST" && (url === undefined || request.url === url))
      .map(({ body = "" }) => {
        const jws = JSON.parse(body) as { protected: string; payload: string };
        return { header: decode(jws.protected), payload: jws.payload === "" ? "" : decode(jws.payload) };
      });
  }
}

function decode(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
