// The certificates that most cases share, and the two shapes of a case.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { caExtensions, leafExtensions, OpensslPki } from "../../support/openssl-pki.ts";

/** Every certificate whose dates are not the subject is valid for thirty years, and judged inside them. */
export const validFrom = new Date("2026-01-01T00:00:00Z");
export const validTo = new Date("2056-01-01T00:00:00Z");
export const judgedAt = "2026-07-01T00:00:00Z";

export const leafNames = "DNS:leaf.example.com,IP:10.0.0.1";
export const rsa = (bits) => `-algorithm RSA -pkeyopt rsa_keygen_bits:${bits}`;
export const text = (...pairs) => pairs.map((pair) => pair.pem).join("");

/** A root, an intermediate, a leaf, and more of them; made in a folder that `remove` deletes. */
export class Maker {
  pki = new OpensslPki();
  root = this.ca("Root");
  middle = this.ca("Intermediate", { issuer: this.root });
  leaf = this.server(this.middle);

  remove() {
    this.pki.remove();
  }

  issue(name, options = {}) {
    return this.pki.issue(name, { from: validFrom, to: validTo, ...options });
  }

  /** A CA, self-signed without `issuer`; `more` lines go after the usual extensions. */
  ca(name, { pathlen, more = [], ...options } = {}) {
    return this.issue(name, { extensions: [...caExtensions(pathlen), ...more], ...options });
  }

  /** A certificate of a server, self-signed without an issuer. */
  server(issuer, { names = leafNames, more = [], name = "leaf", ...options } = {}) {
    return this.issue(name, { issuer, extensions: [...leafExtensions(names), ...more], ...options });
  }

  openssl(...args) {
    return this.pki.run(args);
  }

  /** The bytes that openssl writes with these arguments. */
  written(...args) {
    this.pki.run([...args, "-out", "written"]);
    return readFileSync(join(this.pki.folder, "written"));
  }

  write(name, content) {
    return this.pki.write(name, content);
  }

  /**
   * A case that is accepted. `input` has what is given; `certificates` and `roots` may be pairs. `chain` is expected, and
   * `more` holds `root`, `warnings`, or openssl's verdict with its `why`.
   */
  good(name, input, chain = ["CN=leaf", "CN=Intermediate"], more = {}) {
    const { root = "CN=Root", warnings, openssl = "accepts", why } = more;
    const expect = { accepted: true, chain, ...(root && { root }), ...(warnings && { warnings }) };
    return { name, ...this.#given(input), expect, openssl, ...(why && { why }) };
  }

  /** A case that is refused, by the code and part of the reason of the first error. */
  bad(name, input, code, reason, more = {}) {
    const { openssl = "refuses", why } = more;
    return {
      name,
      ...this.#given(input),
      expect: { accepted: false, code, reason },
      openssl,
      ...(why && { why }),
    };
  }

  /** `roots: null` gives none. */
  #given({ certificates, roots = [this.root], at = judgedAt, ...rest }) {
    const join = (given) => (Array.isArray(given) ? text(...given) : given);
    return {
      ...(certificates !== undefined && { certificates: join(certificates) }),
      ...rest,
      ...(roots !== null && { roots: join(roots) }),
      at,
    };
  }
}
