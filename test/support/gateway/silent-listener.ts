// Guards: a gateway that waits for ever for a machine which takes no connection, as behind a firewall that drops.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Nobody takes connections to it, nor refuses them. */
export interface SilentListener {
  readonly port: number;
  readonly stop: () => void;
}

const program = `
  const server = require("node:net").createServer();
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));
`;

/** Starts a process that listens on 127.0.0.1, stops it, and fills its queue, so that Linux drops what comes after. */
export async function startSilentListener(): Promise<SilentListener> {
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line);
  child.kill("SIGSTOP");
  const sockets: Socket[] = [];
  // one more than its backlog fits (listen(2))
  for (let filled = 0; filled < 2; filled++) {
    const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
    await once(socket, "connect");
    sockets.push(socket);
  }
  return {
    port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
