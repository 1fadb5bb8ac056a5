// Guards: a CA whose links lead to where it has no business. Over http on loopback it answers just enough for an order,
// checks no signature, and gives any one link as a test wants it.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { issuedChain } from "./issued-chain";

/** The links of a CA, in the order in which an order needs them. */
export const links = [
  "newNonce",
  "newAccount",
  "newOrder",
  "renewalInfo",
  "account",
  "order",
  "finalize",
  "authorization",
  "challenge",
  "certificate",
  "alternate",
] as const;

export type LinkName = (typeof links)[number];

export class LinkCa {
  /** The links that are not at this CA. */
  readonly foreign: Partial<Record<LinkName, string>> = {};
  /** How many authorizations an order has. */
  authorizations = 1;
  /** Of the directory. */
  meta: Readonly<Record<string, unknown>> = {};
  /** The paths that were asked, with their methods. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      request.resume().on("end", () => {
        const { body, headers = {} } = this.#answer(request.url ?? "");
        response.writeHead(200, { "replay-nonce": "bm9uY2U", ...headers });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<LinkCa> {
    const ca = new LinkCa();
    await once(ca.#server.listen(0, "127.0.0.1"), "listening");
    return ca;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get directoryUrl(): string {
    return `${this.origin}/directory`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #link(name: LinkName, path: string = name): string {
    return this.foreign[name] ?? `${this.origin}/${path}`;
  }

  #answer(path: string): { readonly body: unknown; readonly headers?: Readonly<Record<string, string>> } {
    const identifiers = [{ type: "dns", value: "a.test" }];
    const authorizations = Array.from({ length: this.authorizations }, (_, at) =>
      this.#link("authorization", `authorization/${at}`),
    );
    const finalize = this.#link("finalize");
    const certificate = this.#link("certificate");
    const order = { identifiers, authorizations, finalize };
    switch (path.split("/")[1]) {
      case "directory": {
        const names = ["newNonce", "newAccount", "newOrder", "renewalInfo"] as const;
        const urls = Object.fromEntries(names.map((name) => [name, this.#link(name)]));
        const rest = { revokeCert: `${this.origin}/revoke`, keyChange: `${this.origin}/key-change` };
        return { body: { ...urls, ...rest, meta: this.meta } };
      }
      case "newAccount":
        return { body: { status: "valid" }, headers: { location: this.#link("account") } };
      case "newOrder":
        return { body: { ...order, status: "pending" }, headers: { location: this.#link("order") } };
      case "order":
      case "finalize":
        return { body: { ...order, status: "valid", certificate } };
      case "authorization": {
        const challenge = { type: "http-01", url: this.#link("challenge"), status: "pending", token: "token" };
        return { body: { status: "pending", identifier: identifiers[0], challenges: [challenge] } };
      }
      case "certificate":
        return { body: issuedChain("a.test"), headers: { link: `<${this.#link("alternate")}>;rel="alternate"` } };
      case "alternate":
        return { body: issuedChain("a.test") };
      default:
        return { body: {} };
    }
  }
}
