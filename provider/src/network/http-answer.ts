import type { ClientRequest, IncomingMessage } from "node:http";

/**
 * The answer to a request once its headers are here. The listeners stay, so that what fails later is heard of and no one is
 * left waiting.
 * @throws Error of Node: the connection fails, or is closed without an answer (code ECONNRESET)
 */
export function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.once("response", (response) => {
      response.on("error", reject);
      resolve(response);
    });
    // status 101 is no answer to Node, it gives the socket away
    request.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    request.once("close", () => reject(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" })));
  });
}
