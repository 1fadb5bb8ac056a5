import { isTlsError, TlsError } from "../errors";

/** What to do about a server that is not reached. */
export const unreachableHint =
  "Run it again; if it stays so, check the DNS and the firewall of the machine that runs Pulumi, or append the issuer's certificate by hand.";

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

/**
 * The error of a request as one about the world; `what` begins its message. What is no failure of a connection, so a
 * mistake of ours, is given back as it came.
 */
export function describeConnectionFailure(error: unknown, what: string): unknown {
  if (isTlsError(error)) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return error;
  if (untrusted.test(code)) {
    return new TlsError("AIA_REFUSED", `${what}: the server's own certificate is not trusted (${code}).`, {
      hint: "Append the issuer's certificate by hand; for a CA inside your own network, NODE_EXTRA_CA_CERTS names a file with its root.",
      cause: error,
    });
  }
  if (otherProtocol.test(code)) {
    return new TlsError("AIA_REFUSED", `${what}: what answered does not speak HTTP or TLS as it should (${code}).`, {
      hint: "Look whether scheme and port of the URL are right and no proxy stands in between, or append the issuer's certificate by hand.",
      cause: error,
    });
  }
  const told = words[code] ?? "the connection failed";
  return new TlsError("AIA_UNREACHABLE", `${what}: ${told} (${code}).`, { hint: unreachableHint, cause: error });
}
