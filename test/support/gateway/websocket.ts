// Guards: tunnels that a proxy only seems to open. A WebSocket (RFC 6455) by hand, as client over any socket and as server;
// texts of up to 125 octets are all that is needed.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** RFC 6455 section 1.3. */
const acceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const [textFrame, closeFrame] = [0x1, 0x8];

/** One WebSocket after its handshake. */
export interface OpenWebSocket {
  readonly send: (text: string) => void;
  /** The next text; rejects when the connection ends before. */
  readonly next: () => Promise<string>;
  /** Resolves when the connection is gone, whoever ended it. */
  readonly ended: Promise<void>;
  readonly close: () => void;
}

/** What a client asks for. */
export interface WebSocketAsk {
  readonly host: string;
  readonly path?: string;
}

function acceptKey(key: string): string {
  return createHash("sha1").update(`${key}${acceptGuid}`).digest("base64");
}

/** A frame of one text; clients mask (RFC 6455 section 5.3). */
function renderFrame(opcode: number, text: string, isMasked: boolean): Buffer {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new TypeError("the text is longer than 125 octets");
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const body = payload.map((octet, index) => octet ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x80 | opcode, (isMasked ? 0x80 : 0) | payload.length]), mask, body]);
}

/** Takes frames out of what arrived so far. */
class FrameReader {
  #buffer: Buffer = Buffer.alloc(0);

  take(part: Buffer): readonly { readonly opcode: number; readonly text: string }[] {
    this.#buffer = Buffer.concat([this.#buffer, part]);
    const frames: { opcode: number; text: string }[] = [];
    while (this.#buffer.length >= 2) {
      const [first = 0, second = 0] = this.#buffer;
      const [maskLength, length] = [second & 0x80 ? 4 : 0, second & 0x7f];
      const end = 2 + maskLength + length;
      if (this.#buffer.length < end) break;
      const mask = this.#buffer.subarray(2, 2 + maskLength);
      const payload = this.#buffer.subarray(2 + maskLength, end).map((octet, index) => octet ^ (mask[index % 4] ?? 0));
      frames.push({ opcode: first & 0x0f, text: Buffer.from(payload).toString() });
      this.#buffer = this.#buffer.subarray(end);
    }
    return frames;
  }
}

/** Answers an upgrade as a server: a greeting that tells the path, then every text again. */
export function serveWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const key = request.headers["sec-websocket-key"] ?? "";
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write(`${[...lines, `Sec-WebSocket-Accept: ${acceptKey(key)}`].join("\r\n")}\r\n\r\n`);
  socket.write(renderFrame(textFrame, `hello ${request.url ?? ""}`, false));
  const reader = new FrameReader();
  const take = (part: Buffer) => {
    for (const { opcode, text } of reader.take(part)) {
      if (opcode === textFrame) socket.write(renderFrame(textFrame, text, false));
      if (opcode === closeFrame) socket.end(renderFrame(closeFrame, text, false));
    }
  };
  socket.on("data", take).on("error", () => socket.destroy());
  if (head.length > 0) take(head);
}

/** Opens a WebSocket over a socket; rejects with the status line when the answer is not 101 with the right key. */
export async function openWebSocket(socket: Duplex, { host, path = "/ws/echo" }: WebSocketAsk): Promise<OpenWebSocket> {
  const key = randomBytes(16).toString("base64");
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ];
  socket.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    // not resolve itself: the event has a value
    socket.once("close", () => resolve());
  });
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let answer: Buffer = Buffer.alloc(0);
  while (!answer.includes("\r\n\r\n")) {
    const part = await Promise.race([once(socket, "data"), ended]);
    if (!Array.isArray(part)) throw new Error(`the connection ended after ${JSON.stringify(answer.toString())}`);
    answer = Buffer.concat([answer, part[0] as Buffer]);
  }
  const split = answer.indexOf("\r\n\r\n");
  const headers = answer.subarray(0, split).toString();
  const accepted = /^sec-websocket-accept: *(\S+)/im.exec(headers)?.[1];
  if (!/^HTTP\/1\.1 101 /.test(headers) || accepted !== acceptKey(key)) {
    socket.destroy();
    throw new Error(`no WebSocket: ${headers.split("\r\n", 1)[0]}`);
  }
  return tunnel(socket, answer.subarray(split + 4), ended);
}

function tunnel(socket: Duplex, head: Buffer, ended: Promise<void>): OpenWebSocket {
  const reader = new FrameReader();
  const texts: string[] = [];
  let wake = () => {};
  const take = (part: Buffer) => {
    texts.push(...reader.take(part).flatMap(({ opcode, text }) => (opcode === textFrame ? [text] : [])));
    wake();
  };
  socket.on("data", take);
  take(head);
  const next = async () => {
    while (texts.length === 0) {
      const arrived = new Promise<"arrived">((resolve) => {
        wake = () => resolve("arrived");
      });
      if ((await Promise.race([arrived, ended])) === undefined) throw new Error("the WebSocket ended");
    }
    return texts.shift() ?? "";
  };
  const send = (text: string) => void socket.write(renderFrame(textFrame, text, true));
  return { send, next, ended, close: () => socket.destroy() };
}
