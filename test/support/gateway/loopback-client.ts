// Guards: what a client sees of a server that a test started on loopback, by one TLS handshake or one plain request.
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:tls";

/** What a name got in a handshake. */
export interface Handshake {
  /** Common name of the certificate. */
  readonly subject: string;
  /** Its subject alternative names, as Node writes them. */
  readonly names: string | undefined;
  /** Why it would not be trusted. */
  readonly error: string | null;
}

/** The certificate that a name gets, judged with `ca` as the only root; rejects when the handshake is refused. */
export function handshake(port: number, servername: string, ca: string): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername, ca, rejectUnauthorized: false }, () => {
      const { CN } = socket.getPeerCertificate().subject ?? {};
      const names = socket.getPeerX509Certificate()?.subjectAltName;
      const error = socket.authorizationError as unknown as string | Error | undefined;
      resolve({ subject: String(CN), names, error: error == null ? null : String(error) });
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

/** What a plain request for a host is answered. */
export interface Answer {
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly body: string;
}

/** One plain request over loopback for a host. */
export function request(port: number, host: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, location: response.headers.location, body }));
    };
    get({ host: "127.0.0.1", port, path, headers: { host }, agent: false }, take).once("error", reject);
  });
}
