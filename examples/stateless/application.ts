// Plays the application behind nginx. No part of a real set-up.
import { once } from "node:events";
import { createServer } from "node:http";

/** Starts it on loopback; it answers with what it was asked. */
export async function startApplication(port: number): Promise<{ readonly stop: () => Promise<void> }> {
  const server = createServer(({ url, headers }, response) => {
    response.end(`asked for ${url} of ${headers.host}\n`);
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
