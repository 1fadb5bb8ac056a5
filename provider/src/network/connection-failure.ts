import { isTlsError } from "../errors";

/** Failures of the system's calls and of Node, in the words of a person. */
const words: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known to the DNS",
  EAI_AGAIN: "the DNS did not answer",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was cut by the other side",
  EPIPE: "the connection was cut by the other side",
  ETIMEDOUT: "the connection was not answered",
  EHOSTUNREACH: "there is no way to its host",
  ENETUNREACH: "there is no way to its network",
  EACCES: "this machine forbids the connection",
  EPERM: "this machine forbids the connection",
};

/** Codes of OpenSSL's verification and of Node's check of the name, which another run does not change. */
const untrusted = /CERT|ALTNAME|SIGNATURE|^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;
/** Node's parser, and TLS with something that speaks another language. */
const otherProtocol = /^HPE_|^EPROTO$|^ERR_SSL_/;

/** Why a request got no whole answer, for every protocol; code and hint are those of its caller. */
export interface ConnectionFailure {
  readonly kind: "unreachable" | "untrusted" | "otherProtocol";
  /** A clause without its end; names the code of the system, of Node or of OpenSSL. */
  readonly found: string;
}

/** The failure that an error of a request stands for; `undefined` for any other, such as a mistake of ours. */
export function readConnectionFailure(error: unknown): ConnectionFailure | undefined {
  const code = error instanceof Error && !isTlsError(error) && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return undefined;
  if (untrusted.test(code)) {
    return { kind: "untrusted", found: `the server's own certificate is not trusted (${code})` };
  }
  if (otherProtocol.test(code)) {
    return { kind: "otherProtocol", found: `what answered does not speak HTTP or TLS as it should (${code})` };
  }
  return { kind: "unreachable", found: `${words[code] ?? "the connection failed"} (${code})` };
}
