// Asks a local server for a page, as a visitor would.
import { once } from "node:events";
import { get as getPlain, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { get as getSecure } from "node:https";
import { TLSSocket } from "node:tls";

/** A request over loopback. With `ca`, PEM of a root, it is https and trusts that root alone. */
export interface Question {
  readonly port: number;
  readonly path: string;
  /** The name in the request: the Host header and, with https, the server name. */
  readonly host: string;
  readonly ca?: string;
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Without white space at its ends. */
  readonly body: string;
  /** Of https: the protocol's version, and the server's certificate as DER. */
  readonly tls?: { readonly protocol: string | null; readonly certificate: Buffer };
}

export async function ask({ port, path, host, ca }: Question): Promise<Answer> {
  const headers = { host: port === 80 ? host : `${host}:${port}` };
  const options = { host: "127.0.0.1", port, path, headers, agent: false };
  const request = ca === undefined ? getPlain(options) : getSecure({ ...options, ca, servername: host });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  // it may be gone when everything is read
  const { socket } = response;
  const tls =
    socket instanceof TLSSocket
      ? { protocol: socket.getProtocol(), certificate: socket.getPeerCertificate().raw }
      : undefined;
  let body = "";
  for await (const part of response.setEncoding("utf8")) body += part;
  return { status: response.statusCode, headers: response.headers, body: body.trim(), ...(tls && { tls }) };
}
