import type { KeyObject } from "node:crypto";
import { TlsError } from "../../errors";
import { type Certificate, describeCertificate, publicKeyOf } from "../certificate/certificate";
import { comparableName } from "../names/distinguished-name";

/**
 * What may be spent on signatures, in checks of an RSA2048 or P256 key, which take 0.05 ms each. Chains of public CAs
 * need fewer than ten; a pool in which hundreds share one name and say no key identifier may need one for each pair.
 */
const MOST_WORK = 1024;

/** An elliptic curve costs what RSA of twice the bits costs, and RSA grows with the square of them. */
const UNIT_BITS = 2048;

/** Who signed whom among a pool of certificates: found by name and key identifier, proved by signature, each asked once. */
export class SignatureChecks {
  readonly #answers = new Map<string, boolean>();
  readonly #keys = new Map<Certificate, KeyObject | undefined>();
  readonly #bySubject: ReadonlyMap<string, readonly Certificate[]>;
  readonly #byIssuer: ReadonlyMap<string, readonly Certificate[]>;
  #work = 0;

  /** @param pool each certificate once; those found first are tried first. */
  constructor(pool: readonly Certificate[]) {
    this.#bySubject = groupBy(pool, (certificate) => comparableName(certificate.subject));
    this.#byIssuer = groupBy(pool, (certificate) => comparableName(certificate.issuer));
  }

  /** Those of the pool that bear the name of `child`'s issuer, in the pool's order; not `child` itself. */
  namesakesOfIssuer(child: Certificate): readonly Certificate[] {
    const namesakes = this.#bySubject.get(comparableName(child.issuer)) ?? [];
    return namesakes.filter((certificate) => certificate !== child);
  }

  /**
   * Those of the pool whose key signed `child`. A certificate with another key identifier than `child` asks for is tried
   * only when none with the right one did. Not checked: whether they may issue.
   * @throws TlsError `CHAIN_INVALID` when too many signatures would have to be checked
   */
  issuersOf(child: Certificate): readonly Certificate[] {
    const namesakes = this.namesakesOfIssuer(child);
    const fitting = namesakes.filter((issuer) => fitsKeyId(child, issuer) && this.isSignedBy(child, issuer));
    if (fitting.length > 0) return fitting;
    return namesakes.filter((issuer) => !fitsKeyId(child, issuer) && this.isSignedBy(child, issuer));
  }

  /**
   * Whether the key of `certificate` signed another one of the pool, if it `counts`.
   * @throws TlsError `CHAIN_INVALID` when too many signatures would have to be checked
   */
  isIssuer(certificate: Certificate, counts: (child: Certificate) => boolean = () => true): boolean {
    const namesakes = this.#byIssuer.get(comparableName(certificate.subject)) ?? [];
    const children = namesakes.filter((one) => one !== certificate && counts(one));
    return [true, false].some((fits) =>
      children.some((child) => fitsKeyId(child, certificate) === fits && this.isSignedBy(child, certificate)),
    );
  }

  /** Whether a certificate is signed with its own key. */
  isSelfSigned(certificate: Certificate): boolean {
    return certificate.isSelfIssued && this.isSignedBy(certificate, certificate);
  }

  /**
   * Whether the key of `issuer` signed `child`; names are not looked at.
   * @throws TlsError `CHAIN_INVALID` when too many signatures would have to be checked
   */
  isSignedBy(child: Certificate, issuer: Certificate): boolean {
    const question = `${child.fingerprintSha256} ${issuer.fingerprintSha256}`;
    const known = this.#answers.get(question);
    if (known !== undefined) return known;
    const key = this.#keyOf(issuer);
    this.#work += key === undefined ? 1 : workOf(key);
    if (this.#work > MOST_WORK) {
      const reason = `more than ${this.#answers.size} signatures would have to be checked to order the certificates`;
      throw new TlsError("CHAIN_INVALID", reason, {
        hint: `Give only the chain of one certificate: many here share the name ${describeCertificate(issuer)}.`,
      });
    }
    const answer = key !== undefined && verifies(child, key);
    this.#answers.set(question, answer);
    return answer;
  }

  /** A key of a kind that OpenSSL does not know proves nothing. */
  #keyOf(certificate: Certificate): KeyObject | undefined {
    if (!this.#keys.has(certificate)) this.#keys.set(certificate, publicKeyOf(certificate));
    return this.#keys.get(certificate);
  }
}

/** RFC 5280 section 4.2.1.1; without an identifier on either side nothing speaks against the pair. */
function fitsKeyId(child: Certificate, issuer: Certificate): boolean {
  const [wanted, found] = [child.authorityKeyId, issuer.subjectKeyId];
  return wanted === undefined || found === undefined || wanted === found;
}

function workOf(key: KeyObject): number {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits === undefined ? 2 : Math.max(1, (bits / UNIT_BITS) ** 2);
}

function verifies(child: Certificate, key: KeyObject): boolean {
  try {
    return child.x509.verify(key);
  } catch {
    return false;
  }
}

function groupBy(
  certificates: readonly Certificate[],
  nameOf: (certificate: Certificate) => string,
): ReadonlyMap<string, readonly Certificate[]> {
  const groups = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    const name = nameOf(certificate);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [certificate]);
    else group.push(certificate);
  }
  return groups;
}
