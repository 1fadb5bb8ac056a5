import { TlsError } from "../errors";

/** How to turn a file that is not read here into one that is. */
export const rewriteHint =
  "Write it anew: openssl pkcs12 -legacy -in <file> -nodes -out <pem>, then openssl pkcs12 -export -in <pem> -out <new>.";

/** An algorithm that is not read here; `oid` is its identifier, empty for one that can't be read itself. */
export function unsupportedAlgorithm(oid: string, what: string): TlsError {
  const found = oid === "" ? "an unknown algorithm" : `the algorithm ${oid}`;
  return new TlsError("CONTAINER_INVALID", `${what}: is protected by ${found}, which is not read here`, {
    hint: rewriteHint,
  });
}
