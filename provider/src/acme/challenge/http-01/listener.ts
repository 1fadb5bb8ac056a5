import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Endpoint } from "../listener/endpoint";
import { SharedListeners } from "../listener/shared";
import { refusalsOf } from "../refusal";
import { type ChallengeSolver, checkToken, type ListenerSettings } from "../solver";
import { CHALLENGE_FOLDER } from "./answer";

const PREFIX = `/${CHALLENGE_FOLDER}/`;

/** A CA sends one short request; who sends it slower than this is none. */
const REQUEST_TIMEOUT_MS = 10_000;

const listeners = new SharedListeners<string>((find) => {
  const server = createServer(
    { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 8192 },
    (request, response) => answer(request, response, find),
  );
  // a CA asks once; who stays connected keeps a place from it
  server.maxRequestsPerSocket = 1;
  server.setTimeout(REQUEST_TIMEOUT_MS, (socket) => socket.destroy());
  return server;
});

/**
 * Answers http-01 (RFC 8555 section 8.3) by an HTTP server of our own, open as long as a challenge needs it, one for all
 * certificates with the same address and port. It answers `/.well-known/acme-challenge/<token>` for known tokens, 404
 * for all else. Not checked: that the CA reaches it.
 */
export function createHttpListenerSolver({ port = 80, address }: ListenerSettings<"http-01">): ChallengeSolver {
  const endpoint: Endpoint = { type: "http-01", port, address };
  const owner = {};
  return {
    type: "http-01",
    refuse: refusalsOf("http-01"),
    present: async (tasks, deadline) => {
      for (const { token, keyAuthorization } of tasks) {
        deadline.check("opening the http-01 listener");
        await listeners.hold(endpoint, { name: checkToken(token), token, answer: keyAuthorization, owner }, deadline);
      }
    },
    cleanUp: async (tasks) => {
      for (const { token } of tasks) await listeners.release(endpoint, token, token, owner);
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, find: (token: string) => string | undefined): void {
  const isRead = request.method === "GET" || request.method === "HEAD";
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const keyAuthorization = path.startsWith(PREFIX) ? find(path.slice(PREFIX.length)) : undefined;
  const [status, body] = isRead ? (keyAuthorization === undefined ? [404, ""] : [200, keyAuthorization]) : [405, ""];
  response.writeHead(status, {
    "content-type": "text/plain",
    "content-length": Buffer.byteLength(body),
    // what is answered holds the CA's text: no browser may take it for a page (RFC 8555 section 10.2)
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
    ...(isRead ? {} : { allow: "GET, HEAD" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
