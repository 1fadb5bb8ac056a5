import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, pbkdf2Sync } from "node:crypto";
import { createSecureContext } from "node:tls";
import fc from "fast-check";
import forge from "node-forge";
import { beforeAll, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import { encodeElement, readElements } from "../../../../provider/src/x509/asn1/ber";
import { bytes, der } from "../../../../provider/src/x509/asn1/der";
import type { Certificate } from "../../../../provider/src/x509/certificate/certificate";
import { issueCaCertificate } from "../../../../provider/src/x509/certificate/issue";
import { deriveByPkcs12 } from "../../../../provider/src/x509/pkcs12/key-derivation";
import { readPkcs12 } from "../../../../provider/src/x509/pkcs12/read";
import { type Pkcs12Request, writePkcs12 } from "../../../../provider/src/x509/pkcs12/write";

const password = "correct horse";
const validity = { validFrom: new Date("2026-01-01T00:00:00Z"), validTo: new Date("2036-01-01T00:00:00Z") };

function issue(privateKey: KeyObject, commonName: string): Certificate {
  return issueCaCertificate({ subject: { commonName }, privateKey, serialNumber: Buffer.of(1), ...validity });
}

let rsa: KeyObject;
let ec: KeyObject;
let request: Pkcs12Request;

beforeAll(() => {
  rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  request = { privateKey: ec, certificates: [issue(ec, "leaf"), issue(rsa, "chain")], password };
});

function failure(encoded: Buffer, options: { password?: string } = { password }): TlsError {
  try {
    readPkcs12(encoded, "pfx", options);
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("was read without a failure");
}

/** Whether OpenSSL, as Node has it, opens a file; false when it says that the password is wrong. */
function opensInNode(pfx: Buffer, passphrase = password): boolean {
  try {
    createSecureContext({ pfx, passphrase });
    return true;
  } catch (error) {
    if (error instanceof Error && /mac verify failure/.test(error.message)) return false;
    throw error;
  }
}

const sequence = (...contents: readonly Buffer[]) => encodeElement(0x30, ...contents);
const integer = (value: number) => bytes(der.integer(value));
const octetString = (content: Buffer) => encodeElement(0x04, content);
const algorithm = (oid: string, ...parameters: readonly Buffer[]) =>
  sequence(encodeElement(0x06, Buffer.from(oid, "hex")), ...parameters);
const nothing = Buffer.of(0x05, 0);

/** The parts of a PFX: its version, its authSafe, its MAC. */
const partsOf = (pfx: Buffer) =>
  readElements(readElements(pfx, "pfx")[0]?.content ?? Buffer.alloc(0), "pfx").map((part) => part.encoded);
/** The same file with another MAC, or none. */
function withMac(pfx: Buffer, ...mac: readonly Buffer[]): Buffer {
  const [version, authSafe] = partsOf(pfx);
  return sequence(version ?? Buffer.alloc(0), authSafe ?? Buffer.alloc(0), ...mac);
}
/** The octets that a MAC is over. */
function authenticatedSafe(pfx: Buffer): Buffer {
  const inside = (bytes: Buffer | undefined, at: number) => readElements(bytes ?? Buffer.alloc(0), "pfx")[at]?.content;
  return inside(inside(inside(partsOf(pfx)[1], 0), 1), 0) ?? Buffer.alloc(0);
}

describe("writePkcs12", () => {
  it("writes the same bytes for the same request, and other salts for any other", () => {
    const [leaf, chain] = request.certificates;
    if (chain === undefined) throw new Error("no chain");
    const requests: readonly Pkcs12Request[] = [
      request,
      { ...request, password: `${password}!` },
      { ...request, friendlyName: "a" },
      { ...request, friendlyName: "" },
      { ...request, encryption: "legacy" },
      { ...request, certificates: [leaf] },
      { ...request, certificates: [leaf, chain, chain] },
      { ...request, privateKey: rsa, certificates: [chain, leaf] },
    ];
    const salts = new Set<string>();
    for (const one of requests) {
      const pfx = writePkcs12(one);
      expect(writePkcs12({ ...one }).equals(pfx)).toBe(true);
      salts.add(
        readElements(
          readElements(partsOf(pfx)[2] ?? Buffer.alloc(0), "mac")[0]?.content ?? Buffer.alloc(0),
          "mac",
        )[1]?.content.toString("hex") ?? "",
      );
    }
    expect(salts.size).toBe(requests.length);
    expect([...salts].every((salt) => salt.length === 32 || salt.length === 16)).toBe(true);
  });

  it("writes what is read back, for any password and friendly name, and what OpenSSL opens", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(
        text,
        text,
        fc.constantFrom("modern" as const, "legacy" as const),
        (secret, friendlyName, encryption) => {
          const pfx = writePkcs12({ ...request, password: secret, friendlyName, encryption });
          const { certificates, privateKeys } = readPkcs12(pfx, "pfx", { password: secret });
          expect(certificates.map(({ pem }) => pem)).toEqual(request.certificates.map(({ pem }) => pem));
          expect(privateKeys.map((key) => key.equals(ec))).toEqual([true]);
          expect(opensInNode(pfx, secret)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("writes RSA as forge reads it, with the friendly name", () => {
    const certificates = [issue(rsa, "leaf")] as const;
    const legacy = { privateKey: rsa, certificates, password, friendlyName: "ünï", encryption: "legacy" } as const;
    const pfx = writePkcs12(legacy).toString("latin1");
    const theirs = forge.pkcs12.pkcs12FromAsn1(forge.asn1.fromDer(pfx), password);
    const [bag] = theirs.getBags({ friendlyName: "ünï" }).friendlyName ?? [];
    expect(bag).toBeDefined();
    const [key] =
      theirs.getBags({ bagType: forge.pki.oids.pkcs8ShroudedKeyBag })[forge.pki.oids.pkcs8ShroudedKeyBag ?? ""] ?? [];
    const pem = forge.pki.privateKeyToPem(key?.key as forge.pki.rsa.PrivateKey);
    expect(createPrivateKey(pem).equals(rsa)).toBe(true);
  });

  it("refuses a certificate of another key", () => {
    const wrong = { ...request, privateKey: rsa };
    expect(() => writePkcs12(wrong)).toThrow("KEY_MISMATCH: the private key given is not that of CN=leaf");
  });
});

describe("deriveByPkcs12", () => {
  it("derives what forge derives", () => {
    const hashes = ["sha1", "sha256", "sha384", "sha512", "md5"] as const;
    const buffer = (octets: Uint8Array) => forge.util.createBuffer(Buffer.from(octets).toString("latin1"));
    fc.assert(
      fc.property(
        fc.constantFrom(...hashes),
        fc.string({ maxLength: 70 }),
        fc.uint8Array({ maxLength: 140 }),
        fc.constantFrom(1, 2, 3),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 200 }),
        (hash, secret, salt, purpose, iterations, length) => {
          // forge takes the empty password for no octets at all
          const bmp = secret === "" ? Buffer.alloc(0) : Buffer.from(`${secret}\0`, "utf16le").swap16();
          const ours = deriveByPkcs12({ hash, salt: Buffer.from(salt), iterations }, bmp, purpose, length);
          const generate = forge.pkcs12.generateKey as unknown as (
            ...args: readonly unknown[]
          ) => forge.util.ByteBuffer;
          const theirs = generate(
            secret === "" ? null : secret,
            buffer(salt),
            purpose,
            iterations,
            length,
            forge.md[hash].create(),
          );
          expect(ours.toString("hex")).toBe(theirs.toHex());
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("readPkcs12", () => {
  /** PBMAC1 with PBKDF2 (RFC 9579), whose octets are 1.2.840.113549.1.5.14 and .12, 1.2.840.113549.2.n. */
  function pbmac1(
    pfx: Buffer,
    options: { keyLength?: number; iterations?: number; mac?: string; prf?: string } = {},
  ): Buffer {
    const { keyLength = 32, iterations = 2048, mac = "sha256", prf = "sha256" } = options;
    const hmac = (hash: string) =>
      algorithm(`2a864886f70d02${{ sha1: "07", sha256: "09", sha512: "0b" }[hash]}`, nothing);
    const salt = Buffer.from("salt salt salt");
    const kdf = algorithm(
      "2a864886f70d01050c",
      sequence(octetString(salt), integer(iterations), integer(keyLength), hmac(prf)),
    );
    const key = pbkdf2Sync(password, salt, Math.min(iterations, 2048), keyLength, prf);
    const digest = createHmac(mac, key).update(authenticatedSafe(pfx)).digest();
    const info = sequence(algorithm("2a864886f70d01050e", sequence(kdf, hmac(mac))), octetString(digest));
    return withMac(pfx, sequence(info, octetString(Buffer.from("unused")), integer(1)));
  }

  const kinds = ["sha1", "sha256", "sha512"].flatMap((mac) =>
    ["sha1", "sha256", "sha512"].map((prf) => [mac, prf] as const),
  );

  it.each(kinds)("verifies PBMAC1 with %s and PBKDF2-%s as OpenSSL does", (mac, prf) => {
    for (const keyLength of [20, 32, 64]) {
      const pfx = pbmac1(writePkcs12(request), { keyLength, mac, prf });
      expect(opensInNode(pfx)).toBe(true);
      expect(readPkcs12(pfx, "pfx", { password }).privateKeys.map((key) => key.equals(ec))).toEqual([true]);
      expect(opensInNode(pfx, "wrong")).toBe(false);
      expect(failure(pfx, { password: "wrong" }).reason).toContain("the password is wrong");
      expect(failure(pfx, {}).reason).toContain("no password is given");
    }
  });

  it("refuses PBMAC1 with a short key or too many iterations before it derives", () => {
    const pfx = writePkcs12(request);
    expect(failure(pbmac1(pfx, { keyLength: 19 })).reason).toContain("its MAC has a key of 19 octets");
    expect(failure(pbmac1(pfx, { iterations: 600_001 })).reason).toContain("takes 600,001 rounds to open");
  });

  it("reads a file without MAC, and tells a missing and a wrong password from it", () => {
    for (const encryption of ["modern", "legacy"] as const) {
      const pfx = withMac(writePkcs12({ ...request, encryption }));
      expect(readPkcs12(pfx, "pfx", { password }).certificates).toHaveLength(2);
      expect(failure(pfx, {}).reason).toBe("pfx: is protected by a password, and no password is given");
      for (const secret of ["wrong", "", "x"]) {
        expect(failure(pfx, { password: secret }).reason).toContain("password is wrong (or the file is damaged)");
      }
    }
  });

  it("finds the empty password in both of its forms, and says that it is the one when none is given", () => {
    // what OpenSSL writes ends in a zero character, what others write has no octets at all
    for (const bmp of [Buffer.alloc(2), Buffer.alloc(0)]) {
      const pfx = writePkcs12({ ...request, password: "" });
      const salt = Buffer.from("saltsalt");
      const key = deriveByPkcs12({ hash: "sha1", salt, iterations: 3 }, bmp, 3, 20);
      const digest = createHmac("sha1", key).update(authenticatedSafe(pfx)).digest();
      const info = sequence(algorithm("2b0e03021a", nothing), octetString(digest));
      const other = withMac(pfx, sequence(info, octetString(salt), integer(3)));
      expect(opensInNode(other, "")).toBe(true);
      expect(readPkcs12(other, "pfx", { password: "" }).privateKeys).toHaveLength(1);
      expect(failure(other, {}).reason).toBe("pfx: is protected by the empty password, and no password is given");
    }
  });

  it("reads BER: indefinite lengths, and a content in pieces", () => {
    const pfx = writePkcs12(request);
    const [version, , mac] = partsOf(pfx);
    const indefinite = (identifier: number, ...contents: readonly Buffer[]) =>
      Buffer.concat([Buffer.of(identifier, 0x80), ...contents, Buffer.of(0, 0)]);
    const content = authenticatedSafe(pfx);
    const pieces = [octetString(content.subarray(0, 100)), octetString(content.subarray(100))];
    const data = encodeElement(0x06, Buffer.from("2a864886f70d010701", "hex"));
    const authSafe = indefinite(0x30, data, indefinite(0xa0, indefinite(0x24, ...pieces)));
    const ber = indefinite(0x30, version ?? nothing, authSafe, mac ?? nothing);
    expect(opensInNode(ber)).toBe(true);
    const { certificates, privateKeys } = readPkcs12(ber, "pfx", { password });
    expect([certificates.length, privateKeys.length]).toEqual([2, 1]);
  });

  it("says that one part has another password", () => {
    // the MAC of the one over the parts of both
    const [one, other] = [writePkcs12(request), writePkcs12({ ...request, password: "another" })];
    const part = (pfx: Buffer, at: number) =>
      readElements(readElements(authenticatedSafe(pfx), "safe")[0]?.content ?? Buffer.alloc(0), "safe")[at]?.encoded ??
      nothing;
    const safe = sequence(part(one, 0), part(other, 1));
    const salt = Buffer.from("saltsalt");
    const key = deriveByPkcs12(
      { hash: "sha1", salt, iterations: 1 },
      Buffer.from(`${password}\0`, "utf16le").swap16(),
      3,
      20,
    );
    const digest = createHmac("sha1", key).update(safe).digest();
    const data = algorithm("2a864886f70d010701", encodeElement(0xa0, octetString(safe)));
    // iterations are left out where they are one
    const mac = sequence(sequence(algorithm("2b0e03021a"), octetString(digest)), octetString(salt));
    const error = failure(sequence(Buffer.of(2, 1, 3), data, mac));
    expect(error.code).toBe("CONTAINER_ENCRYPTED");
    expect(error.reason).toContain("opens the file but not private key 1 in it, which has another");
  });

  it.each([
    ["nothing", Buffer.alloc(0), "is not a whole PKCS#12 file"],
    ["another version", sequence(Buffer.of(2, 1, 2), sequence()), "it is not of version 3"],
    [
      "a signed file",
      sequence(Buffer.of(2, 1, 3), algorithm("2a864886f70d010702", encodeElement(0xa0, sequence()))),
      "is protected by a signature",
    ],
    [
      "a part for a public key",
      sequence(
        Buffer.of(2, 1, 3),
        algorithm(
          "2a864886f70d010701",
          encodeElement(0xa0, octetString(sequence(algorithm("2a864886f70d010703", encodeElement(0xa0, sequence()))))),
        ),
      ),
      "is encrypted to a public key",
    ],
    ["more than a MiB", Buffer.alloc(1024 * 1024 + 1, 0x30), "has 1048577 octets; at most 1048576 are read"],
  ])("refuses %s", (_, encoded, reason) => {
    const error = failure(encoded);
    expect(error.code).toBe("CONTAINER_INVALID");
    expect(error.reason).toContain(reason);
  });

  it("names an algorithm that is not read", () => {
    const pfx = writePkcs12(request);
    const sm3 = sequence(
      sequence(algorithm("2a811ccf55018311", nothing), octetString(Buffer.alloc(32))),
      octetString(Buffer.alloc(8)),
      integer(1),
    );
    expect(failure(withMac(pfx, sm3)).reason).toBe(
      "pfx: is protected by the algorithm 1.2.156.10197.1.401, which is not read here",
    );
    const rc4 = Buffer.from(withMac(writePkcs12({ ...request, encryption: "legacy" })));
    rc4[rc4.indexOf(Buffer.from("2a864886f70d010c0103", "hex")) + 9] = 1;
    expect(failure(rc4).reason).toContain(
      "is protected by the algorithm 1.2.840.113549.1.12.1.1, which is not read here",
    );
  });

  it("refuses the 21st private key and the 201st certificate", () => {
    const certificate = (one: Certificate) =>
      algorithm(
        "2a864886f70d010c0a0103",
        encodeElement(0xa0, algorithm("2a864886f70d01091601", encodeElement(0xa0, octetString(one.der)))),
      );
    const key = algorithm("2a864886f70d010c0a0101", encodeElement(0xa0, ec.export({ type: "pkcs8", format: "der" })));
    const make = (bags: readonly Buffer[]) => {
      const data = (content: Buffer) => algorithm("2a864886f70d010701", encodeElement(0xa0, octetString(content)));
      // half of them one level deeper, in a bag of bags
      const nested = algorithm("2a864886f70d010c0a0106", encodeElement(0xa0, sequence(...bags.slice(10))));
      return sequence(Buffer.of(2, 1, 3), data(sequence(data(sequence(...bags.slice(0, 10), nested)))));
    };
    expect(readPkcs12(make(new Array(20).fill(key)), "pfx").privateKeys).toHaveLength(20);
    expect(failure(make(new Array(21).fill(key))).reason).toBe("pfx: holds more than 20 private keys");
    const [leaf] = request.certificates;
    expect(readPkcs12(make(new Array(200).fill(certificate(leaf))), "pfx").certificates).toHaveLength(200);
    expect(failure(make(new Array(201).fill(certificate(leaf)))).reason).toBe("pfx: holds more than 200 certificates");
  });
});
