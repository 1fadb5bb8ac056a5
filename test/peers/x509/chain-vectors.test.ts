// Guards: the verdicts of test/vectors/chains, ours and openssl's. See the README there for the families and the format.
import { execFileSync } from "node:child_process";
import { type KeyObject, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { domainToASCII } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { isTlsError } from "../../../provider/src/errors";
import { judgeChain } from "../../../provider/src/x509/chain/chain";
import { readContainer } from "../../../provider/src/x509/containers/container";
import { readPrivateKey } from "../../../provider/src/x509/keys/private-key";
import { describeWithPeer } from "../../support/peer";
import { sample } from "../../support/tier";

interface Vector {
  readonly name: string;
  readonly certificates?: string;
  readonly pkcs12?: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly hostnames?: readonly string[];
  readonly roots?: string;
  readonly at: string;
  readonly expect: Accepted | Refused;
  readonly openssl: string;
  /** The same at `-auth_level 2`. */
  readonly opensslLevel2?: string;
  readonly why?: string;
}

interface Accepted {
  readonly accepted: true;
  readonly chain: readonly string[];
  readonly root?: string;
  readonly warnings?: readonly string[];
}

interface Refused {
  readonly accepted: false;
  readonly code: string;
  readonly reason: string;
}

const expectedFamilies = [
  ...["ca", "constraints", "dates", "inputs", "keys", "names"],
  ...["order", "path", "pkcs12", "purposes", "strength"],
];

/** What openssl says about the same fault, so that both refuse for one reason. */
const opensslWords: Readonly<Record<string, RegExp>> = {
  CERTIFICATE_EXPIRED: /certificate has expired|certificate is not yet valid/,
  CERTIFICATE_INVALID: /unable to load|not enough data/,
  CERTIFICATE_WEAK: /key too weak|digest algorithm too weak/,
  CHAIN_INCOMPLETE: /unable to get local issuer certificate|no certificate of this key or name/,
  CHAIN_INVALID: /error \d+ at \d+ depth/,
  CONTAINER_ENCRYPTED: /password|Error outputting/,
  CONTAINER_INVALID: /unable to load|not enough data|no certificate of this key or name/,
  HOSTNAME_UNCOVERED: /(hostname|IP address) mismatch/,
  KEY_ENCRYPTED: /bad decrypt|Could not (read|find)/,
  KEY_INVALID: /Could not (read|find)|Key is invalid|no certificate of this key or name/,
  KEY_MISMATCH: /no certificate of this key or name/,
  NAME_CONSTRAINED: /(permitted|excluded) subtree violation/,
  PEM_INVALID: /unable to load|Could not (read|find)|no certificate of this key or name/,
};

function reasonOf({ expect: expected }: Vector): RegExp {
  const words = expected.accepted ? /error \d+ at \d+ depth|no certificate of this/ : opensslWords[expected.code];
  if (words === undefined) throw new Error("the table lacks this code");
  return words;
}

const folder = join(import.meta.dirname, "../../vectors/chains");
const families = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as { family: string; cases: Vector[] });

/** What is given, read and judged as the lifecycle does it (lifecycle/chain/source.ts). */
function judgeByUs(vector: Vector): Accepted | Refused {
  try {
    const chain = readAndJudge(vector);
    const error = chain.findings.find(({ severity }) => severity === "error");
    if (error !== undefined) return { accepted: false, code: error.code, reason: error.reason };
    return {
      accepted: true,
      chain: [chain.leaf, ...chain.intermediates].map(({ subject }) => subject),
      ...(chain.root && { root: chain.root.subject }),
      warnings: chain.findings.map(({ code }) => code),
    };
  } catch (error) {
    if (!isTlsError(error)) throw error;
    return { accepted: false, code: error.code, reason: error.reason };
  }
}

function readAndJudge({ certificates, pkcs12, password, privateKey, hostnames, roots, at }: Vector) {
  const given = certificates === undefined ? [] : readContainer(certificates, "certPem").certificates;
  const secret = password === undefined ? {} : { password };
  const file = pkcs12 === undefined ? undefined : readContainer(pkcs12, "pkcs12", secret);
  const all = [...given, ...(file?.certificates ?? [])];
  let key: KeyObject | undefined;
  if (file !== undefined) {
    key = file.privateKeys.find((one) => all.some(({ x509 }) => x509.checkPrivateKey(one))) ?? file.privateKeys[0];
  } else if (privateKey !== undefined) {
    key = readPrivateKey(privateKey, password === undefined ? {} : { passphrase: password });
  }
  return judgeChain(all, {
    now: new Date(at),
    ...(key && { privateKey: key }),
    ...(hostnames && { hostnames }),
    ...(roots !== undefined && { roots: readContainer(roots, "roots").certificates }),
  });
}

/** The same asked of the openssl command, which reads the containers and keys too. */
class OpensslJudge {
  readonly #folder = mkdtempSync(join(tmpdir(), "chain-vectors-"));
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Its verdict, and its words where it refuses. */
  judge(vector: Vector, level?: number): { verdict: string; said: string } {
    try {
      const certificates = [...this.#readCertificates(vector.certificates), ...this.#readPkcs12(vector, "-nokeys")];
      const keys = this.#readKeys(vector);
      const leaf = findLeaf(certificates, keys, vector);
      this.#write("leaf.pem", leaf);
      this.#write("untrusted.pem", certificates.filter((one) => one !== leaf).join(""));
      this.#write("trusted.pem", vector.roots ?? "");
      const flags = "verify -x509_strict -no-CAfile -no-CApath -no-CAstore -purpose sslserver".split(" ");
      const time = ["-attime", `${new Date(vector.at).getTime() / 1000}`];
      const files = ["-trusted", "trusted.pem", ...(certificates.length > 1 ? ["-untrusted", "untrusted.pem"] : [])];
      for (const name of vector.hostnames ?? [undefined]) {
        this.#run(...flags, ...time, ...nameFlags(name), ...levelFlags(level), ...files, "leaf.pem");
      }
      return { verdict: "accepts", said: "" };
    } catch (error) {
      const { stderr = error } = error as { stderr?: Buffer };
      return { verdict: "refuses", said: String(stderr) };
    }
  }

  #run(...args: readonly string[]): string {
    return execFileSync(this.#path, args, { cwd: this.#folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  #write(name: string, content: string | Buffer): string {
    writeFileSync(join(this.#folder, name), content);
    return name;
  }

  /** PEM blocks as openssl writes them. */
  #readCertificates(text: string | undefined): readonly string[] {
    if (text === undefined) return [];
    if (text.includes("-----BEGIN ")) {
      return text.split(/(?=-----BEGIN PKCS7-----)/).flatMap((part) => {
        const isContainer = part.startsWith("-----BEGIN PKCS7-----");
        return isContainer ? this.#readPkcs7(this.#write("certificates.p7b", part)) : this.#readPem(part);
      });
    }
    const file = this.#write("certificates.der", Buffer.from(text, "base64"));
    try {
      return blocksOf(this.#run("x509", "-inform", "DER", "-in", file), "CERTIFICATE");
    } catch {
      return this.#readPkcs7(file, "-inform", "DER");
    }
  }

  #readPem(text: string): readonly string[] {
    const file = this.#write("certificates.pem", text);
    try {
      this.#run("crl2pkcs7", "-nocrl", "-certfile", file, "-out", "all.p7b");
      return this.#readPkcs7("all.p7b");
    } catch {
      // one that is labelled CERTIFICATE
      return this.#readPkcs7(file);
    }
  }

  #readPkcs7(file: string, ...options: readonly string[]): readonly string[] {
    return blocksOf(this.#run("pkcs7", "-in", file, "-print_certs", ...options), "CERTIFICATE");
  }

  #readPkcs12({ pkcs12, password = "" }: Vector, part: "-nokeys" | "-nocerts"): readonly string[] {
    if (pkcs12 === undefined) return [];
    const file = this.#write("file.p12", Buffer.from(pkcs12, "base64"));
    const output = this.#run("pkcs12", "-in", file, "-legacy", "-nodes", "-passin", `pass:${password}`, part);
    return blocksOf(output, part === "-nokeys" ? "CERTIFICATE" : "PRIVATE KEY");
  }

  /** The public halves of the keys that are given, each checked. */
  #readKeys(vector: Vector): readonly string[] {
    const { privateKey, password = "" } = vector;
    const keys = privateKey === undefined ? this.#readPkcs12(vector, "-nocerts") : [privateKey];
    return keys.map((pem) => {
      const key = ["pkey", "-in", this.#write("key.pem", pem), "-passin", `pass:${password}`];
      this.#run(...key, "-noout", "-check");
      return this.#run(...key, "-pubout");
    });
  }
}

function blocksOf(text: string, label: string): readonly string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n`, "g")) ?? [];
}

/** The certificate of the key; without a key the first that has a name by which a leaf goes here. */
function findLeaf(certificates: readonly string[], publicKeys: readonly string[], vector: Vector): string {
  const name = vector.expect.accepted ? vector.expect.chain[0] : "CN=leaf";
  const leaf = certificates.find((pem) => {
    const certificate = new X509Certificate(pem);
    // Node gives undefined for an empty subject
    const isNamed = String(certificate.subject ?? "").startsWith(name ?? "CN=leaf");
    const key = () => certificate.publicKey.export({ type: "spki", format: "pem" }).toString();
    return publicKeys.length > 0 ? publicKeys.includes(key()) : isNamed;
  });
  if (leaf === undefined) throw new Error("no certificate of this key or name");
  return leaf;
}

function nameFlags(name: string | undefined): readonly string[] {
  if (name === undefined) return [];
  return isIP(name) === 0 ? ["-verify_hostname", domainToASCII(name)] : ["-verify_ip", name];
}

function levelFlags(level: number | undefined): readonly string[] {
  return level === undefined ? [] : ["-auth_level", `${level}`];
}

for (const { family, cases } of families) {
  describe(family, () => {
    it.each(cases)("$name", (vector) => {
      const found = judgeByUs(vector);
      const expected = vector.expect;
      if (!expected.accepted || !found.accepted) {
        const part = expected.accepted ? {} : { reason: expect.stringContaining(expected.reason) };
        expect(found).toEqual({ ...expected, ...part });
        return;
      }
      const { warnings = [], ...rest } = expected;
      expect(found).toEqual({ ...rest, warnings: expect.arrayContaining([...warnings]) });
    });
  });
}

describeWithPeer("openssl", ({ path }) => {
  const judge = new OpensslJudge(path);
  afterAll(() => judge.remove());

  for (const { family, cases } of families) {
    describe(family, () => {
      const judged = cases.filter(({ openssl }) => !openssl.startsWith("can't judge: "));
      it.each(sample(judged, 10))("$name", (vector) => {
        const { verdict, said } = judge.judge(vector);
        expect(verdict, said).toBe(vector.openssl);
        if (verdict === "refuses") expect(said).toMatch(reasonOf(vector));
        if (vector.opensslLevel2 === undefined) return;
        const strict = judge.judge(vector, 2);
        expect(strict.verdict, strict.said).toBe(vector.opensslLevel2);
        if (strict.verdict === "refuses") expect(strict.said).toMatch(reasonOf(vector));
      });
    });
  }
});

describe("the vectors", () => {
  const all = families.flatMap(({ family, cases }) => cases.map((vector) => ({ ...vector, family })));

  it("have every family, at least 70 cases, and a name of its own for each", () => {
    expect(families.map(({ family }) => family)).toEqual(expectedFamilies);
    expect(all.length).toBeGreaterThanOrEqual(70);
    for (const { family, cases } of families) {
      expect(new Set(cases.map(({ name }) => name)).size, family).toBe(cases.length);
      expect(new Set(cases.map((vector) => vector.expect.accepted)).size, family).toBe(2);
    }
  });

  it("say why wherever openssl's verdict is another one, and only there", () => {
    for (const { family, name, expect: expected, openssl, why } of all) {
      const isJudged = ["accepts", "refuses"].includes(openssl);
      expect(isJudged || openssl.startsWith("can't judge: "), `${family}: ${name}`).toBe(true);
      const differs = isJudged && (openssl === "accepts") !== expected.accepted;
      expect(why !== undefined, `${family}: ${name}`).toBe(differs);
    }
  });
});
