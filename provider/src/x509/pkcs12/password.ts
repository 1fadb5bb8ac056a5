import { TlsError } from "../../errors";
import { DerivationBudget, type DerivationCost } from "./key-derivation";

/** A password in the two forms that algorithms take it in. */
export interface PasswordForm {
  /** UTF-16, big-endian, with a final zero character: PKCS#12's own derivation (RFC 7292 appendix B.1). */
  readonly bmp: Buffer;
  /** UTF-8: PBES2 and PBMAC1 (RFC 8018 section 3, RFC 9579 section 6). */
  readonly utf8: Buffer;
}

/** The password as it is written. */
export function encodePassword(password: string): PasswordForm {
  return { bmp: Buffer.from(`${password}\0`, "utf16le").swap16(), utf8: Buffer.from(password) };
}

/** Some programs take an empty password for no octets at all, without the final zero character. */
const noOctets: PasswordForm = { bmp: Buffer.alloc(0), utf8: Buffer.alloc(0) };

/** What a password can be tried at. */
export interface Lock<T> {
  /** What one trial costs. */
  readonly costs: readonly DerivationCost[];
  /** Throws or is undefined with a wrong password, and nearly always only then. */
  open(form: PasswordForm): T | undefined;
}

/** The password of one file while it is read: tells missing, wrong and empty apart, and counts what trying costs. */
export class Pkcs12Password {
  readonly #password: string | undefined;
  readonly #what: string;
  readonly #budget: DerivationBudget;
  #forms: readonly PasswordForm[];
  #isProved = false;

  /** `what` names the file in messages; an empty password is one, undefined is none. */
  constructor(password: string | undefined, what: string) {
    this.#password = password;
    this.#what = what;
    this.#budget = new DerivationBudget(what);
    this.#forms = (password ?? "") === "" ? [encodePassword(""), noOctets] : [encodePassword(password ?? "")];
  }

  /**
   * Opens a lock of the file; `part` names it in messages. Without a password the empty one is tried for the message only.
   * @throws TlsError CONTAINER_ENCRYPTED: the password is missing or wrong, or trying it takes too long
   */
  open<T>(lock: Lock<T>, part: string): T {
    for (const { kind, rounds } of lock.costs) this.#budget.spend(kind, rounds);
    for (const form of this.#forms) {
      const content = attempt(() => lock.open(form));
      if (content === undefined) continue;
      if (this.#password === undefined) throw this.#missing("the empty password", 'Give the password "".');
      this.#forms = [form];
      this.#isProved = true;
      this.#budget.prove();
      return content;
    }
    if (this.#password === undefined) throw this.#missing("a password", 'Give it; one that is empty is given as "".');
    throw this.#isProved ? this.#different(part) : this.#wrong();
  }

  #missing(found: string, hint: string): TlsError {
    const reason = `${this.#what}: is protected by ${found}, and no password is given`;
    return new TlsError("CONTAINER_ENCRYPTED", reason, { hint });
  }

  #wrong(): TlsError {
    const which = this.#password === "" ? "the empty password" : "the password";
    return new TlsError("CONTAINER_ENCRYPTED", `${this.#what}: ${which} is wrong (or the file is damaged)`, {
      hint: "Try it: openssl pkcs12 -in <file> -noout asks for it (add -legacy for a file of before 2022).",
    });
  }

  #different(part: string): TlsError {
    const reason = `${this.#what}: the password opens the file but not ${part} in it, which has another (or is damaged)`;
    return new TlsError("CONTAINER_ENCRYPTED", reason, {
      hint: "Give both the same one: keytool -importkeystore writes a new file with -deststorepass and -destkeypass.",
    });
  }
}

function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}
