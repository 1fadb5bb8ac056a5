import { createPrivateKey } from "node:crypto";
import { TlsError } from "../errors";
import { readCertificateFile } from "./certificate-file";
import { type FileParts, splitFile } from "./file-parts";
import { renderPath } from "./path-text";

/** The files of one certificate, each by its path (from the working folder, unless absolute), in any form. */
export interface CertificateFiles {
  /** The certificate; may bring its intermediates and its key: PEM, DER, PKCS#7 (`.p7b`) or PKCS#12 (`.pfx`). */
  readonly cert: string | readonly string[];
  /** The private key, when it stands in a file of its own: PEM or DER, encrypted or not. */
  readonly key?: string | readonly string[];
  /** The intermediates, when they stand in files of their own, in any order. */
  readonly chain?: string | readonly string[];
}

/** What {@link fromFiles} makes of them: arguments of `CertificateChain`. What no file brings is absent. */
export interface CertificateTexts {
  /** PEM of every certificate in `cert` and `key`, in the order of the files, each once. */
  readonly certPem?: string;
  /** PEM of those in `chain`. */
  readonly issuerPem?: string;
  /** The one key, PEM, as encrypted as it was. To be kept secret, as `CertificateChain` does by itself. */
  readonly privateKeyPem?: string;
  /** The one PKCS#12 file, base64. To be kept secret likewise. */
  readonly pkcs12?: string;
}

interface Found {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads the files of one certificate, whatever form a CA sent them in, into arguments of `CertificateChain`.
 *
 * What a file is, is told by its bytes; any file may hold anything, but a key never gets into `certPem`. Nothing is
 * deciphered: `passphrase` is for the resource. The same contents give the same texts, whatever their form, line ends and
 * the text around PEM blocks. At most 1 MiB a file.
 * Not checked: whether key and certificates belong together, dates, signatures; the resource does.
 *
 * @throws TlsError FILE_UNREADABLE: a path leads to no file that can be read; PEM_INVALID, CERTIFICATE_INVALID,
 * CONTAINER_INVALID: a file holds something else, no certificate is there, two PKCS#12 files; KEY_INVALID: two keys.
 *
 * @example
 * ```ts
 * const shop = new CertificateChain("shop", {
 *   ...fromFiles({ cert: "certs/shop.pfx" }),
 *   passphrase: config.requireSecret("shopPassphrase"),
 *   hostnames: ["shop.example.com"],
 * });
 * const wiki = new CertificateChain("wiki", fromFiles({ cert: "wiki.cer", key: "wiki.key", chain: "ca.p7b" }));
 * ```
 */
export function fromFiles(files: CertificateFiles): CertificateTexts {
  const parts = (property: keyof CertificateFiles) =>
    listPaths(files[property]).map((path) => ({ path, parts: splitFile(readCertificateFile(path)) }));
  const [cert, key, chain] = [parts("cert"), parts("key"), parts("chain")];
  const all = [...cert, ...key, ...chain];
  const certPem = new Set([...cert, ...key].flatMap(pemOf));
  const issuerPem = new Set(chain.flatMap(pemOf).filter((pem) => !certPem.has(pem)));
  const pkcs12 = onlyPkcs12(findAll(all, "pkcs12"));
  const privateKey = onlyKey(findAll(all, "keys"));
  if (pkcs12 !== undefined && privateKey !== undefined) throw besidePkcs12(pkcs12, privateKey);
  if (certPem.size === 0 && issuerPem.size === 0 && pkcs12 === undefined) throw withoutCertificate(all);
  return {
    ...(certPem.size > 0 && { certPem: [...certPem].join("") }),
    ...(issuerPem.size > 0 && { issuerPem: [...issuerPem].join("") }),
    ...(privateKey && { privateKeyPem: privateKey.text }),
    ...(pkcs12 && { pkcs12: pkcs12.text }),
  };
}

/** One path or a list of them. */
export function listPaths(paths: string | readonly string[] | undefined): readonly string[] {
  return typeof paths === "string" ? [paths] : (paths ?? []);
}

type SplitFile = { readonly path: string; readonly parts: FileParts };

function pemOf({ parts }: SplitFile): readonly string[] {
  return parts.certificates.map(({ pem }) => pem);
}

function findAll(files: readonly SplitFile[], kind: "keys" | "pkcs12"): readonly Found[] {
  return files.flatMap(({ path, parts }) => parts[kind].map((text) => ({ path, text })));
}

function onlyPkcs12([first, ...others]: readonly Found[]): Found | undefined {
  const other = others.find(({ text }) => text !== first?.text);
  if (first === undefined || other === undefined) return first;
  throw new TlsError("CONTAINER_INVALID", `${nameBoth(first, other)}: two PKCS#12 files, one is expected`, {
    hint: "Give only the file of this certificate.",
  });
}

function onlyKey([first, ...others]: readonly Found[]): Found | undefined {
  const other = others.find((key) => first !== undefined && !isSameKey(first.text, key.text));
  if (first === undefined || other === undefined) return first;
  throw new TlsError("KEY_INVALID", `${nameBoth(first, other)}: two different private keys, one is expected`, {
    hint: "Give only the key of this certificate.",
  });
}

/** The same key may stand there twice, in two formats; of encrypted ones that can't be told. */
function isSameKey(one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return createPrivateKey(one).equals(createPrivateKey(other));
  } catch {
    return false;
  }
}

function besidePkcs12(pkcs12: Found, key: Found): TlsError {
  const reason = `${nameBoth(key, pkcs12)}: a private key beside a PKCS#12 file, which brings its own`;
  return new TlsError("KEY_INVALID", reason, {
    hint: "Leave the key away; of a file without a key take the certificates out: openssl pkcs12 -in <file> -nokeys.",
  });
}

function withoutCertificate(files: readonly SplitFile[]): TlsError {
  if (files.length === 0) throw new TypeError("fromFiles: cert names no file");
  const paths = files.map(({ path }) => renderPath(path)).join(", ");
  return new TlsError("CONTAINER_INVALID", `${paths}: hold no certificate, only a private key`, {
    hint: "Name the file of the certificate as cert.",
  });
}

function nameBoth(one: Found, other: Found): string {
  return one.path === other.path ? renderPath(one.path) : `${renderPath(one.path)} and ${renderPath(other.path)}`;
}
