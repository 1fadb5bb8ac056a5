import type { KeyObject } from "node:crypto";
import type { Certificate } from "../certificate/certificate";
import type { Identifier } from "../names/identifier";
import type { ChainFinding } from "./finding";

/** A certificate with those that link it to a root, as a server sends them. */
export interface Chain {
  readonly leaf: Certificate;
  /** In the order of sending: each one signed the one before. Without the root. */
  readonly intermediates: readonly Certificate[];
  /** The trusted root, or the self-signed certificate in which the chain ends, if it was given. */
  readonly root?: Certificate;
  /** The last member, when its issuer is not here. */
  readonly open?: Certificate;
  /** Names of the leaf. */
  readonly identifiers: readonly Identifier[];
  /** What is wrong and what is worth a look, errors and warnings mixed. */
  readonly findings: readonly ChainFinding[];
}

/** What an arrangement depends on beside the certificates. */
export interface ArrangeOptions {
  readonly privateKey?: KeyObject;
  /** Trusted roots; without them any self-signed certificate may end the chain, and so may an issuer that is not here. */
  readonly roots?: readonly Certificate[];
  /** Where several ways lead up: the root of the wanted one, by its common name, whole subject or SHA-256 in hexadecimal. */
  readonly preferredRoot?: string;
  readonly now: Date;
}
