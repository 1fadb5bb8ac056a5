// Plays the CA: makes by openssl what three customers find in their mail. Nothing here is part of a real set-up.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

const TWENTY_YEARS = "7300";
const authority = (pathLength: number) =>
  `basicConstraints=critical,CA:TRUE,pathlen:${pathLength}\nkeyUsage=critical,keyCertSign,cRLSign`;
const server = (names: readonly string[]) =>
  `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n` +
  `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;

/** Makes the folder when it is missing, whole or not at all; one that is there stays as it is. */
export function ensureCertificates(folder: string): void {
  if (existsSync(folder)) return;
  // entered by its owner alone, so that no key is readable even while it is made
  const work = mkdtempSync(`${folder}.new-`);
  try {
    const mailed = join(work, "mailed");
    mkdirSync(mailed, { mode: 0o700 });
    mail(work, mailed);
    renameSync(mailed, folder);
  } finally {
    // with it go the CA's own keys
    rmSync(work, { recursive: true, force: true });
  }
}

function mail(work: string, mailed: string): void {
  const openssl = (...args: string[]) => runOpenssl(work, args);
  const write = (file: string, text: string) => writeFileSync(join(work, file), text);
  const pem = (name: string) => readFileSync(join(work, `${name}.crt`), "utf8");
  write("req.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");

  /** A certificate `<name>.crt` with its key `<name>.key`; its own issuer when none is given. */
  const issue = (name: string, subject: string, extensions: string, issuer?: string) => {
    // a traditional key: blocks EC PARAMETERS and EC PRIVATE KEY
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", `${name}.key`);
    openssl("req", "-new", "-config", "req.cnf", "-key", `${name}.key`, "-subj", subject, "-out", `${name}.csr`);
    const issuerKey = issuer === undefined ? "" : "authorityKeyIdentifier=keyid\n";
    write(`${name}.ext`, `subjectKeyIdentifier=hash\n${issuerKey}${extensions}\n`);
    const signer =
      issuer === undefined ? ["-signkey", `${name}.key`] : ["-CA", `${issuer}.crt`, "-CAkey", `${issuer}.key`];
    // 127 bits: positive, and never of more than 16 octets
    const serial = `0x4${randomBytes(16).toString("hex").slice(1)}`;
    const about = ["-sha256", "-days", TWENTY_YEARS, "-set_serial", serial, "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signer, ...about, "-out", `${name}.crt`);
  };
  issue("root", "/O=Example Trust/CN=Example Root", authority(2));
  issue("policy", "/O=Example Trust/CN=Example Policy CA", authority(1), "root");
  issue("issuing", "/O=Example Trust/CN=Example Issuing CA", authority(0), "policy");
  issue("shop", "/CN=shop.example.com", server(["shop.example.com", "www.shop.example.com"]), "issuing");
  issue("wiki", "/CN=wiki.example.com", server(["wiki.example.com"]), "issuing");
  issue("files", "/CN=files.example.com", server(["files.example.com"]), "issuing");

  const to = (file: string) => ["-out", join("mailed", file)];
  openssl("x509", "-in", "root.crt", ...to("root.crt"));
  // shop: a binary certificate, its intermediates as PKCS#7
  openssl("x509", "-in", "shop.crt", "-outform", "DER", ...to("shop.cer"));
  const issuers = ["-certfile", "policy.crt", "-certfile", "issuing.crt"];
  openssl("crl2pkcs7", "-nocrl", ...issuers, "-outform", "DER", ...to("shop-intermediates.p7b"));
  openssl("pkcs8", "-topk8", "-nocrypt", "-in", "shop.key", ...to("shop.key"));
  // wiki: all in one PKCS#12 file; the password came in a second mail
  write("issuers.pem", pem("policy") + pem("issuing"));
  write("mailed/wiki.password", `${randomBytes(12).toString("base64url")}\n`);
  const content = ["-inkey", "wiki.key", "-in", "wiki.crt", "-certfile", "issuers.pem", "-name", "wiki"];
  openssl("pkcs12", "-export", ...content, "-passout", "file:mailed/wiki.password", ...to("wiki.pfx"));
  // files: pasted into the mail, in the order in which somebody found them
  const pasted = ["root", "issuing", "files", "policy"].map((name) => `${name}:\n\n${pem(name)}\n`);
  write("mailed/files.txt", `Dear customer,\nhere is your certificate.\n\n${pasted.join("")}Yours, Example Trust\n`);
  renameSync(join(work, "files.key"), join(mailed, "files.key"));
  for (const file of ["shop.key", "wiki.pfx", "wiki.password", "files.key"]) chmodSync(join(mailed, file), 0o600);
}

function runOpenssl(cwd: string, args: readonly string[]): void {
  try {
    execFileSync("openssl", args, { cwd, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new pulumi.RunError(
      "The program openssl is not on PATH: this example needs it once, to make its certificates. Install the package openssl.",
    );
  }
}
