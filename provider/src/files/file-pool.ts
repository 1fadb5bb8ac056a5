import type { KeyObject } from "node:crypto";
import { isTlsError, type TlsError } from "../errors";
import type { Certificate } from "../x509/certificate/certificate";
import { type ContainerFormat, readContainer } from "../x509/containers/container";
import { readPrivateKey } from "../x509/keys/private-key";
import { type CertificateFile, readCertificateFile } from "./certificate-file";
import { splitFile } from "./file-parts";
import type { InspectedFile, InspectionFinding } from "./inspection";
import { renderPath, shownPath } from "./path-text";

/** What all files together hold, each thing with the path that it came from, and what could not be read. */
export interface FilePool {
  readonly files: readonly InspectedFile[];
  readonly certificates: readonly PooledCertificate[];
  readonly keys: readonly PooledKey[];
  readonly findings: readonly InspectionFinding[];
}

export interface PooledCertificate {
  readonly certificate: Certificate;
  readonly path: string;
}

export interface PooledKey {
  readonly key: KeyObject;
  readonly path: string;
}

type FileContents = Pick<FilePool, "certificates" | "keys" | "findings">;

/** Reads files and opens what is encrypted. What can't be read is a finding, and the rest is read all the same. */
export function readFilePool(paths: readonly string[], passphrase: string | undefined): FilePool {
  const read = paths.map((path) => readOne(path, passphrase));
  return {
    files: read.map(({ file }) => file),
    certificates: read.flatMap(({ contents }) => contents.certificates),
    keys: read.flatMap(({ contents }) => contents.keys),
    findings: read.flatMap(({ contents }) => contents.findings),
  };
}

/** Runs `read`; an error about the world becomes a finding, about the file if one is named. */
export function attempt<T>(findings: InspectionFinding[], read: () => T, path?: string): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isTlsError(error)) throw error;
    findings.push(findingOf(error, path));
    return undefined;
  }
}

function findingOf({ code, reason, hint }: TlsError, path: string | undefined): InspectionFinding {
  const file = path === undefined ? {} : { file: shownPath(path) };
  return { severity: "error", code, ...file, reason, hint: hint ?? "Get the file again from its source." };
}

function readOne(path: string, passphrase: string | undefined): { file: InspectedFile; contents: FileContents } {
  const findings: InspectionFinding[] = [];
  const found = attempt(findings, () => readCertificateFile(path), path);
  const contents = found === undefined ? undefined : openFile(found, passphrase, findings);
  const { certificates, keys } = contents ?? { certificates: [], keys: [] };
  const format = found === undefined ? undefined : formatOf(found);
  return {
    file: {
      path: shownPath(path),
      ...(format && { format }),
      certificates: certificates.length,
      privateKeys: keys.length,
    },
    contents: {
      certificates: certificates.map((certificate) => ({ certificate, path })),
      keys: keys.map((key) => ({ key, path })),
      findings,
    },
  };
}

function openFile(file: CertificateFile, passphrase: string | undefined, findings: InspectionFinding[]) {
  const { path } = file;
  const what = renderPath(path);
  const parts = attempt(findings, () => splitFile(file), path);
  const keys = parts?.keys.flatMap(
    (text) =>
      attempt(findings, () => readPrivateKey(text, { what, ...(passphrase !== undefined && { passphrase }) }), path) ??
      [],
  );
  const containers = parts?.pkcs12.flatMap(
    (text) =>
      attempt(
        findings,
        () => readContainer(text, what, passphrase === undefined ? {} : { password: passphrase }),
        path,
      ) ?? [],
  );
  return {
    certificates: [...(parts?.certificates ?? []), ...(containers ?? []).flatMap((each) => each.certificates)],
    keys: [...(keys ?? []), ...(containers ?? []).flatMap((each) => each.privateKeys)],
  };
}

function formatOf({ kind }: CertificateFile): ContainerFormat | undefined {
  switch (kind) {
    case undefined:
      return undefined;
    case "PEM":
      return "PEM";
    case "PKCS7":
      return "PKCS#7";
    case "PKCS12":
      return "PKCS#12";
    default:
      return "DER";
  }
}
