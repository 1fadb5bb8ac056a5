// Plays Pydio Cells: an https server with the certificate that the program made for it. No part of a real set-up.
import { once } from "node:events";
import { createServer } from "node:https";

/** Starts it on loopback; it answers with what it was asked. */
export async function startCells(
  port: number,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly stop: () => Promise<void> }> {
  const key = Object.entries(files).find(([path]) => path.endsWith("-key.pem"))?.[1];
  const cert = Object.entries(files).find(([path]) => /\/[0-9a-f]{32}\.pem$/.test(path))?.[1];
  const server = createServer({ ...(cert && { cert }), ...(key && { key }) }, (request, response) => {
    const { host, "x-forwarded-proto": proto } = request.headers;
    response.end(`Cells was asked for ${request.url} of ${host}, by ${proto}\n`);
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
