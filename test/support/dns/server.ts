// Guards: DNS servers that outlive their test. A DNS server on loopback, UDP and TCP on one port, that answers from a
// list of records as an authoritative server or a resolver does, well, late, or not at all.
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { ipOctets } from "../../../provider/src/x509/names/ip-address";

/** Record types by number (RFC 1035 section 3.2.2, RFC 3596, RFC 8659). */
const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, CAA: 257 } as const;

export type DnsType = keyof typeof types;

/** One record; names without trailing dot. A SOA's value is its primary server, a CAA's as in a zone: `0 issue "ca.test"`. */
export interface DnsRecord {
  readonly name: string;
  readonly type: DnsType;
  readonly value: string;
}

/** What a server was asked. */
interface DnsQuestion {
  readonly name: string;
  readonly type: DnsType | number;
  readonly transport: "udp" | "tcp";
}

export interface DnsServerOptions {
  /** Default 127.0.0.1; on Linux every address of 127.0.0.0/8 can be listened on. */
  readonly address?: string;
  readonly records?: readonly DnsRecord[];
  /** Names that are other servers': at and below them it refers, and has no answer. */
  readonly delegated?: readonly string[];
}

/** A server that runs. */
export interface DnsServer {
  readonly address: string;
  readonly port: number;
  /** `address:port`, as a setting of propagation takes it. */
  readonly endpoint: string;
  /** What it answers; may be changed at any time. */
  readonly records: DnsRecord[];
  /** `servfail` and `refused` answer with that code, `silent` not at all, `cut` over TCP only, `remembers` as a resolver
   * that keeps NXDOMAIN for a name (RFC 2308 section 5). */
  mode: "answers" | "servfail" | "refused" | "silent" | "cut" | "remembers";
  readonly questions: readonly DnsQuestion[];
  /** Called before each answer: a test changes the records then. */
  onQuestion: (question: DnsQuestion) => void;
  stop(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startDnsServer(options: DnsServerOptions = {}): Promise<DnsServer> {
  const address = options.address ?? "127.0.0.1";
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
    let pending = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const length = pending.readUInt16BE(0);
        const answer = answerTo(pending.subarray(2, 2 + length), "tcp", server, options.delegated ?? [], missing);
        pending = pending.subarray(2 + length);
        if (answer !== undefined) socket.write(Buffer.concat([uint16(answer.length), answer]));
      }
    });
  });
  const { udp, port } = await listen(tcp, address);
  const missing = new Set<string>();
  const questions: DnsQuestion[] = [];
  const server: DnsServer & { questions: DnsQuestion[] } = {
    address,
    port,
    endpoint: `${address.includes(":") ? `[${address}]` : address}:${port}`,
    records: [...(options.records ?? [])],
    mode: "answers",
    questions,
    onQuestion: () => {},
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
  udp.on("message", (message: Buffer, from: RemoteInfo) => {
    const answer = answerTo(message, "udp", server, options.delegated ?? [], missing);
    if (answer !== undefined) udp.send(answer, from.port, from.address);
  });
  return server;
}

/** Finds a port that is free for UDP and TCP. */
async function listen(tcp: Server, address: string): Promise<{ udp: UdpSocket; port: number }> {
  for (;;) {
    const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
    await once(udp.bind(0, address), "listening");
    const { port } = udp.address();
    try {
      await once(tcp.listen(port, address), "listening");
      return { udp, port };
    } catch (error) {
      udp.close();
      if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    }
  }
}

/** Response codes (RFC 1035 section 4.1.1). */
const codes = { none: 0, servfail: 2, noName: 3, refused: 5 } as const;

function answerTo(
  message: Buffer,
  transport: "udp" | "tcp",
  server: DnsServer & { questions: DnsQuestion[] },
  delegated: readonly string[],
  missing: Set<string>,
): Buffer | undefined {
  const { name, type, end } = readQuestion(message);
  const known = (Object.keys(types) as DnsType[]).find((key) => types[key] === type);
  const question = { name, type: known ?? type, transport };
  server.questions.push(question);
  server.onQuestion(question);
  if (server.mode === "silent") return undefined;
  const asked = message.subarray(12, end);
  const reply = (code: number, answers: readonly Buffer[] = [], isCut = false) => {
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    // a response, authoritative, recursion desired and available
    header.writeUInt16BE(0x8580 | (isCut ? 0x0200 : 0) | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    return Buffer.concat([header, asked, ...answers]);
  };
  if (server.mode === "servfail") return reply(codes.servfail);
  if (server.mode === "refused") return reply(codes.refused);
  if (server.mode === "cut" && transport === "udp") return reply(codes.none, [], true);
  if (server.mode === "remembers" && missing.has(name)) return reply(codes.noName);
  if (delegated.some((zone) => isWithin(name, zone))) return reply(codes.none);
  const answers = follow(server.records, name, known);
  if (answers.length > 0) return reply(codes.none, answers.map(encodeRecord));
  if (server.records.some((record) => isWithin(record.name, name))) return reply(codes.none);
  missing.add(name);
  return reply(codes.noName);
}

/** The records asked for, or the CNAME that stands there and what it leads to, as far as this server knows. */
function follow(records: readonly DnsRecord[], name: string, type: DnsType | undefined): readonly DnsRecord[] {
  const own = records.filter((record) => record.name === name);
  const matching = own.filter((record) => record.type === type);
  const alias = own.find((record) => record.type === "CNAME");
  if (matching.length > 0 || alias === undefined) return matching;
  const rest = records.filter((record) => record !== alias);
  return [alias, ...follow(rest, alias.value, type)];
}

function isWithin(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** Time to live 0. */
function encodeRecord({ name, type, value }: DnsRecord): Buffer {
  const data = encodeValue(type, value);
  return Buffer.concat([encodeName(name), uint16(types[type]), uint16(1), Buffer.alloc(4), uint16(data.length), data]);
}

function encodeValue(type: DnsType, value: string): Buffer {
  switch (type) {
    case "A":
      return Buffer.from(value.split(".").map(Number));
    case "AAAA":
      return ipOctets(value) ?? Buffer.alloc(0);
    case "CAA": {
      const [, flags, tag = "", text = ""] = /^(\d+) (\S+) "(.*)"$/s.exec(value) ?? [];
      return Buffer.concat([Buffer.of(Number(flags), tag.length), Buffer.from(tag + text, "latin1")]);
    }
    case "TXT":
      return Buffer.concat(
        (value.match(/.{1,200}/gs) ?? []).map((text) =>
          Buffer.from(`${String.fromCharCode(text.length)}${text}`, "latin1"),
        ),
      );
    case "SOA":
      return Buffer.concat([encodeName(value), encodeName(`hostmaster.${value}`), Buffer.alloc(20)]);
    default:
      return encodeName(value);
  }
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

function uint16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}
