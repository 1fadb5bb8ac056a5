import type { KeyObject } from "node:crypto";
import { isTlsError, TlsError } from "../../errors";
import { type Asn1, items, readDer, readNumber } from "../asn1/der";
import type { Certificate } from "../certificate/certificate";
import { type BagContents, readBag } from "../pkcs12-bag";
import { readAuthenticatedSafe, readSafeContents } from "../pkcs12-content";
import { readMac } from "./mac";
import { Pkcs12Password } from "./password";

/** What a PKCS#12 file holds that a gateway needs, in the file's order. */
export interface Pkcs12Contents {
  readonly certificates: readonly Certificate[];
  readonly privateKeys: readonly KeyObject[];
}

/**
 * Reads a PKCS#12 file (`.pfx`, `.p12`) in DER or BER: every certificate and private key, other entries passed over.
 * Encryption: PBES2 with AES or 3DES, PKCS#12's own 3DES and RC2, or none; MAC: PKCS#12's own, PBMAC1, or none. The MAC
 * is verified before anything is deciphered. Without MAC and encryption the password is not looked at. `what` names the
 * file in messages. At most 1 MiB; how long deriving takes is bounded before it starts.
 * Not checked: whether certificates and keys belong together.
 * @throws TlsError CONTAINER_ENCRYPTED: the password is missing, wrong, or takes too long to try; CONTAINER_INVALID: not
 * PKCS#12, or of a kind that is not read; CERTIFICATE_INVALID and KEY_INVALID for what is inside. See RFC 7292, RFC 9579.
 */
export function readPkcs12(encoded: Buffer, what: string, options: { password?: string } = {}): Pkcs12Contents {
  try {
    const [version, authSafe, macData] = items(readDer(encoded, "it"), "it");
    if (readNumber(version, "its version") !== 3) throw new TlsError("DER_INVALID", "it is not of version 3");
    const password = new Pkcs12Password(options.password, what);
    const content = readAuthenticatedSafe(authSafe, what);
    if (macData !== undefined) password.open(readMac(macData, content, what), "its MAC");
    return readParts(items(readDer(content, "its content"), "its content"), password, what);
  } catch (error) {
    throw explain(error, what);
  }
}

function readParts(parts: readonly Asn1[], password: Pkcs12Password, what: string): Pkcs12Contents {
  const contents: BagContents = { certificates: [], privateKeys: [] };
  for (const part of parts) {
    for (const bag of items(readSafeContents(part, password, what), "its content"))
      readBag(bag, password, what, contents);
  }
  return contents;
}

/** One kind of failure for everything that is not a whole file; nothing of a library's own reaches the reader. */
function explain(error: unknown, what: string): TlsError {
  if (isTlsError(error) && error.code !== "DER_INVALID") return error;
  const found = isTlsError(error) ? `: ${error.reason}` : "";
  return new TlsError("CONTAINER_INVALID", `${what}: is not a whole PKCS#12 file${found}`, {
    hint: "Get it again from its source; `openssl pkcs12 -info -noout -in <file>` tells whether the source is whole.",
    cause: error,
  });
}
