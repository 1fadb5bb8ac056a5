/** What one identifier has to do with a problem. */
export interface AcmeSubproblem {
  /** As the CA says it: `urn:ietf:params:acme:error:…` if it is of the registry. */
  readonly type: string;
  /** The last word of a type of the registry ("dns", "rateLimited"), else the whole type. */
  readonly kind: string;
  readonly detail: string;
  readonly identifier?: { readonly type: string; readonly value: string };
}

/** What a CA says is wrong, RFC 7807 and RFC 8555 section 6.7. */
export interface AcmeProblem extends AcmeSubproblem {
  /** Of the answer, or what the problem itself says. */
  readonly status?: number;
  readonly subproblems: readonly AcmeSubproblem[];
  /** When it may be tried again: the header Retry-After, else what Let's Encrypt writes in its text. */
  readonly retryAfter?: Date;
  /** Where a person reads more or acts: the header Link (`help`, `terms-of-service`) and `instance`. */
  readonly links: readonly string[];
}
