// Guards: gRPC that only looks like it. A real service and its client, both of @grpc/grpc-js, without .proto files: messages
// are octets.
import * as grpc from "@grpc/grpc-js";

const octets = (message: Buffer): Buffer => message;

function method(name: string, responseStream: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: `/gateway.test.Echo/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: octets,
    requestDeserialize: octets,
    responseSerialize: octets,
    responseDeserialize: octets,
  };
}

const service = { Unary: method("Unary", false), Stream: method("Stream", true), Fail: method("Fail", false) };

/** How a call ended. */
export interface GrpcOutcome {
  readonly messages: readonly string[];
  readonly code: number;
  readonly details: string;
  /** Of the answer's trailers. */
  readonly trailer: string | undefined;
}

/** The service: Unary echoes, Stream sends three parts, Fail ends with NOT_FOUND; all have the trailer x-trailer. */
export function createGrpcServer(): grpc.Server {
  const trailers = new grpc.Metadata();
  trailers.set("x-trailer", "sent");
  const server = new grpc.Server();
  server.addService(service, {
    Unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
      reply(null, Buffer.concat([Buffer.from("echo "), call.request]), trailers);
    },
    Stream: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      for (const part of ["one", "two", "three"]) call.write(Buffer.from(part));
      call.end(trailers);
    },
    Fail: (_: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => {
      reply({ code: grpc.status.NOT_FOUND, details: "no such thing", metadata: trailers });
    },
  });
  return server;
}

/** Where a call goes. */
export interface GrpcTarget {
  readonly port: number;
  /** Asked for in the handshake and as authority. */
  readonly host: string;
  readonly ca: string;
}

/** One call through a gateway, over TLS; never rejects. */
export async function callGrpc(
  { port, host, ca }: GrpcTarget,
  name: "Unary" | "Stream" | "Fail",
  message: string,
): Promise<GrpcOutcome> {
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(Buffer.from(ca)), {
    "grpc.ssl_target_name_override": host,
    "grpc.default_authority": `${host}:${port}`,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_http_proxy": 0,
  });
  const deadline = new Date(Date.now() + 60_000);
  const messages: string[] = [];
  try {
    const path = service[name].path;
    const request = Buffer.from(message);
    const status = await new Promise<grpc.StatusObject>((resolve) => {
      if (service[name].responseStream) {
        const call = client.makeServerStreamRequest(path, octets, octets, request, { deadline });
        call.on("data", (part: Buffer) => messages.push(part.toString()));
        call.on("error", () => undefined).on("status", resolve);
      } else {
        const take = (_: unknown, reply?: Buffer) => {
          if (reply !== undefined) messages.push(reply.toString());
        };
        // the status follows the answer
        const call = client.makeUnaryRequest(path, octets, octets, request, new grpc.Metadata(), { deadline }, take);
        call.on("status", (found: grpc.StatusObject) => setImmediate(resolve, found));
      }
    });
    const [trailer] = status.metadata.get("x-trailer");
    return { messages, code: status.code, details: status.details, trailer: trailer?.toString() };
  } finally {
    client.close();
  }
}

/** The codes that tests compare with. */
export const grpcStatus = grpc.status;
