// Makes certificates by the openssl command: the reference that our own reading and judging is tested against.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key, PEM texts and the files that hold them. */
export interface IssuedPair {
  readonly pem: string;
  readonly keyPem: string;
  readonly file: string;
  readonly keyFile: string;
}

export interface PairOptions {
  /** Self-signed when left out. */
  readonly issuer?: IssuedPair;
  /** As in openssl's configuration, one line each. */
  readonly extensions?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
  /** The key of another pair is used again. */
  readonly keyOf?: IssuedPair;
  /** Arguments of `openssl genpkey`; P-256 when left out. */
  readonly key?: string;
  readonly hash?: string;
}

export const day = 24 * 3600 * 1000;
/** Extensions of a CA; its path length is added by `pathlen`. */
export const caExtensions = (pathlen?: number): string[] => [
  `basicConstraints=critical,CA:TRUE${pathlen === undefined ? "" : `,pathlen:${pathlen}`}`,
  "keyUsage=critical,keyCertSign,cRLSign",
];
export const leafExtensions = (names: string): string[] => [
  "basicConstraints=critical,CA:FALSE",
  "keyUsage=critical,digitalSignature",
  "extendedKeyUsage=serverAuth",
  `subjectAltName=${names}`,
];
const identifiers = ["subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid,issuer"];

/** A folder of pairs; `remove` it at the end. */
export class OpensslPki {
  readonly folder = mkdtempSync(join(tmpdir(), "openssl-pki-"));
  #count = 0;

  constructor() {
    writeFileSync(join(this.folder, "index.txt"), "");
    writeFileSync(join(this.folder, "index.txt.attr"), "unique_subject=no\n");
    writeFileSync(
      join(this.folder, "ca.cnf"),
      "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\npolicy=any\nrand_serial=yes\n[any]\ncommonName=optional\norganizationName=optional\n[req]\ndistinguished_name=dn\n[dn]\n",
    );
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  run(args: readonly string[]): string {
    return execFileSync("openssl", args, { cwd: this.folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Keeps a text as a file, for a command that reads one. */
  write(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text);
    return name;
  }

  /** A pair whose subject is `/CN=<name>`, or `name` itself if it starts with a slash. */
  issue(name: string, options: PairOptions = {}): IssuedPair {
    this.#count += 1;
    const at = `${this.#count}`;
    const [file, keyFile, request] = [`${at}.pem`, options.keyOf?.keyFile ?? `${at}.key`, `${at}.csr`];
    const subject = name.startsWith("/") ? name : `/CN=${name}`;
    if (options.keyOf === undefined) {
      const kind = options.key ?? "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
      this.run(["genpkey", ...kind.split(" "), "-out", keyFile]);
    }
    this.run(["req", "-new", "-config", "ca.cnf", "-key", keyFile, "-subj", subject, "-out", request]);
    this.write(`${at}.ext`, [...identifiers, ...(options.extensions ?? [])].join("\n"));
    const { issuer, from = new Date(Date.now() - day), to = new Date(Date.now() + 100 * day) } = options;
    const signer = issuer === undefined ? ["-selfsign"] : ["-cert", issuer.file];
    const dates = ["-startdate", openSslTime(from), "-enddate", openSslTime(to)];
    this.run([
      ..."ca -batch -notext -preserveDN -config ca.cnf".split(" "),
      ...["-in", request, "-out", file, "-extfile", `${at}.ext`, "-md", options.hash ?? "sha256"],
      ...["-keyfile", issuer?.keyFile ?? keyFile, ...signer, ...dates],
    ]);
    const read = (path: string) => readFileSync(join(this.folder, path), "utf8");
    return { pem: read(file), keyPem: read(keyFile), file, keyFile };
  }
}

function openSslTime(date: Date): string {
  return `${date.toISOString().replace(/[-:T]|\..*$/g, "")}Z`;
}

/** Changes the last octet of the signature, which stands at the end of a certificate. */
export function damageSignature(pem: string): string {
  const [, base64 = ""] = /-----\n([^-]*)-----END/.exec(pem) ?? [];
  const octets = Buffer.from(base64, "base64");
  octets.writeUInt8(octets.readUInt8(octets.length - 1) ^ 1, octets.length - 1);
  return pem.replace(base64, `${octets.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n`);
}
