import { isTlsError, TlsError } from "../errors";
import { describeConnectionFailure } from "../network/connection-failure";

/** What to do about a CA that is not reached. */
export const unreachableHint =
  "Run it again; if it stays so, look at the CA's status page and at the DNS and the firewall of the machine that runs Pulumi.";

const untrustedHint =
  "Give the root of the CA's own server as caBundlePem, or name a file with it in NODE_EXTRA_CA_CERTS; if it is a public CA, something on the way answers for it.";
const otherProtocolHint =
  "Look whether scheme and port of the directory's URL are right and no proxy stands in between.";

/**
 * The error of a request to a CA as one about the world; `what` begins its message. What is no failure of a connection,
 * so a mistake of ours, is given back as it came.
 */
export function describeTransportFailure(error: unknown, what: string): unknown {
  if (isTlsError(error)) return error;
  // the words are those for any server; code and hint are ours
  const told = describeConnectionFailure(error, what);
  if (!isTlsError(told)) return told;
  if (told.code === "AIA_UNREACHABLE") {
    return new TlsError("ACME_UNREACHABLE", told.reason, { hint: unreachableHint, cause: error });
  }
  const hint = told.reason.includes("not trusted") ? untrustedHint : otherProtocolHint;
  return new TlsError("ACME_PROTOCOL", told.reason, { hint, cause: error });
}
