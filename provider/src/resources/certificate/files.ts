import * as pulumi from "@pulumi/pulumi";
import { TlsError } from "../../errors";
import type { Certificate } from "../../x509/certificate/certificate";
import { readCertificates } from "../../x509/chain/chain";
import { renderPkcs7 } from "../../x509/containers/pkcs7";
import { readPrivateKey } from "../../x509/keys/private-key";
import { writePkcs12 } from "../../x509/pkcs12/write";

/** How a PKCS#12 file is to be written. */
export interface Pkcs12Args {
  /** May be empty. Java 17 and the openssl command open only files with an ASCII one. */
  readonly password: pulumi.Input<string>;
  /** Shown by certificate stores; Java's alias. Default: none. */
  readonly friendlyName?: pulumi.Input<string>;
  /** `modern` (default): AES-256 and SHA-256; `legacy`: 3DES and SHA-1, for readers before 2019. */
  readonly encryption?: pulumi.Input<"modern" | "legacy">;
}

/** What files are made from; a {@link GatewayCertificate} has it all. */
interface Source {
  readonly fullChainPem: pulumi.Output<string>;
  readonly privateKeyPem: pulumi.Output<string | undefined>;
}

/**
 * Writes key and chain as a PKCS#12 file (RFC 7292) in base64, secret; the same inputs give the same bytes.
 *
 * @throws TlsError `KEY_INVALID` when the key is not in the state: the run fails with it.
 */
export function renderPkcs12(source: Source, args: Pkcs12Args): pulumi.Output<string> {
  const { password, friendlyName, encryption } = args;
  return pulumi.secret(
    pulumi
      .all([source.fullChainPem, source.privateKeyPem, password, friendlyName, encryption])
      .apply(([fullChainPem, privateKeyPem, word, name, kind]) => {
        const certificates = readCertificates(fullChainPem, "fullChainPem") as [Certificate, ...Certificate[]];
        return writePkcs12({
          certificates,
          privateKey: readPrivateKey(requireKey(privateKeyPem)),
          password: word,
          ...(name !== undefined && { friendlyName: name }),
          ...(kind !== undefined && { encryption: kind }),
        }).toString("base64");
      }),
  );
}

/** Renders the chain, without its key, as PKCS#7 in PEM (`.p7b`). */
export function renderChainPkcs7(source: Pick<Source, "fullChainPem">): pulumi.Output<string> {
  return source.fullChainPem.apply((pem) => renderPkcs7(readCertificates(pem, "fullChainPem")));
}

/**
 * Renders chain and key in one text, as HAProxy's `crt` takes it; secret.
 *
 * @throws TlsError `KEY_INVALID` when the key is not in the state: the run fails with it.
 */
export function renderHaproxyPem(source: Source): pulumi.Output<string> {
  return pulumi.secret(
    pulumi.all([source.fullChainPem, source.privateKeyPem]).apply(([chain, key]) => `${chain}${requireKey(key)}`),
  );
}

function requireKey(privateKeyPem: string | undefined | null): string {
  if (typeof privateKeyPem === "string") return privateKeyPem;
  throw new TlsError("KEY_INVALID", "this file needs the private key, which is not in the state.", {
    hint: "it was made elsewhere, from a request: make the file there, or give privateKeyPem.",
  });
}
