// Chains that are made to cost much, or changed octet by octet, over certificates by openssl.
import { createPrivateKey } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isTlsError } from "../../../../provider/src/errors";
import { renderPem } from "../../../../provider/src/x509/asn1/pem";
import { type ChainInput, readCertificates, readChain } from "../../../../provider/src/x509/chain/chain";
import { withinCpuTime } from "../../../support/cpu-time";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../../support/x509/openssl-pki";

const pki = new OpensslPki();
afterAll(() => pki.remove());

let root: IssuedPair;
let middle: IssuedPair;
let lower: IssuedPair;
let leaf: IssuedPair;

beforeAll(() => {
  root = pki.issue("Root", { extensions: caExtensions() });
  middle = pki.issue("Middle", { issuer: root, extensions: caExtensions() });
  lower = pki.issue("Lower", { issuer: middle, extensions: caExtensions(0) });
  leaf = pki.issue("Leaf", { issuer: lower, extensions: leafExtensions("DNS:*.example.com,DNS:example.com") });
});

const key = (pair: IssuedPair) => createPrivateKey(pair.keyPem);
const join = (...pairs: readonly IssuedPair[]) => pairs.map((pair) => pair.pem).join("");
const read = (certificates: string | readonly string[], rest: Partial<ChainInput> = {}) =>
  readChain({ certificates, now: new Date(), ...rest });
const trust = (...pairs: readonly IssuedPair[]) => ({ roots: readCertificates(join(...pairs), "roots") });
/** The chain as a server sends it. */
const sent = (chain: ReturnType<typeof read>) => [chain.leaf, ...chain.intermediates].map((one) => one.pem).join("");

describe("readChain", () => {
  it("asks no signature of a namesake with another key identifier while one with the right one signed", () => {
    const twins = Array.from({ length: 20 }, () => pki.issue("Lower", { issuer: middle, extensions: caExtensions(0) }));
    const chain = read(join(...twins, leaf, lower, middle, root), { privateKey: key(leaf), ...trust(root) });
    expect(sent(chain)).toBe(join(leaf, lower, middle));
    expect(chain.findings.filter((finding) => finding.severity === "error")).toEqual([]);
  });

  it("throws nothing but a TlsError within 100 ms for any mutation of a chain", { timeout: 600_000 }, () => {
    const options = { privateKey: key(leaf), hostnames: ["a.example.com"], ...trust(root) };
    const ders = [leaf, lower, middle].map((pair) => readCertificates(pair.pem, "x")[0]?.der ?? Buffer.alloc(0));
    const edit = fc.tuple(fc.nat(2), fc.nat(600), fc.nat(255));
    read(join(leaf, lower, middle), options);
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const copies = ders.map((octets) => Buffer.from(octets));
        for (const [which, at, value] of edits) {
          const copy = copies[which] ?? Buffer.alloc(1);
          copy.writeUInt8(value, at % copy.length);
        }
        withinCpuTime(100, () => {
          try {
            const chain = read(
              copies.map((octets) => renderPem("CERTIFICATE", octets)),
              options,
            );
            const isChanged = copies.some((copy, at) => !copy.equals(ders[at] ?? copy));
            // a signature covers every octet, so nothing that was changed may pass
            if (isChanged) expect(chain.findings.some((finding) => finding.severity === "error")).toBe(true);
          } catch (error) {
            if (!isTlsError(error)) throw error;
          }
        });
      }),
      { numRuns: 800 },
    );
  });
});
