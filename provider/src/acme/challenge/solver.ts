import type { Deadline } from "../deadline";

/** What a certificate is for and a CA wants proof of (RFC 8555 section 9.7.7, RFC 8738). */
export interface ChallengeIdentifier {
  readonly type: "dns" | "ip";
  /** Canonical; a DNS name without its `*.`, as a CA's authorization has it. */
  readonly value: string;
}

/** One challenge of one authorization (RFC 8555 section 8). */
export interface ChallengeTask {
  readonly identifier: ChallengeIdentifier;
  /** Whether `*.` stands before the name in the certificate. */
  readonly isWildcard: boolean;
  /** base64url, by the CA. */
  readonly token: string;
  /** RFC 8555 section 8.1: token and thumbprint of the account's key. */
  readonly keyAuthorization: string;
}

/** One way to answer challenges. */
export interface ChallengeSolver {
  readonly type: "http-01" | "dns-01" | "tls-alpn-01";
  /** Why this identifier can't be proved so, for a message after "because"; undefined when it can. */
  refuse(identifier: ChallengeIdentifier, isWildcard: boolean): string | undefined;
  /**
   * Puts every answer in place and waits until it stands there, as far as that can be seen from here. Idempotent.
   * @throws TlsError ACME_CHALLENGE; ACME_TIMEOUT or ACME_ABORTED by the deadline. What is in place already stays then.
   */
  present(tasks: readonly ChallengeTask[], deadline: Deadline): Promise<void>;
  /**
   * Takes away what `present` put in place, also in a process that was killed meanwhile. Idempotent: what is gone
   * already is no failure. Tries every task before it throws.
   * @throws TlsError ACME_CHALLENGE
   */
  cleanUp(tasks: readonly ChallengeTask[]): Promise<void>;
}

/** Files in the folder that a web server serves on port 80. */
export interface WebrootSettings {
  readonly type: "http-01";
  /** The folder that holds, or will hold, `.well-known`; relative to the working folder of the program. */
  readonly webroot: string;
}

/** A server of our own, as long as the challenge lasts. */
export interface ListenerSettings<Type extends "http-01" | "tls-alpn-01" = "http-01" | "tls-alpn-01"> {
  readonly type: Type;
  /** Default 80 for http-01, 443 for tls-alpn-01: the CA connects to no other, so another must be forwarded to. */
  readonly port?: number;
  /** An address of this machine; default all, IPv4 and IPv6. */
  readonly address?: string;
}

/** A program of the user that sets and removes TXT records. */
export interface CommandSettings {
  readonly type: "dns-01";
  /** A program, or a program and its first arguments. No shell reads it: a text with spaces is one path. */
  readonly command: string | readonly string[];
  /** Another program for the removal; default: `command`. certbot's hooks come in such pairs. */
  readonly cleanupCommand?: string | readonly string[];
  /** How the record is handed over; default `lego`. See `hook-convention.ts`. */
  readonly convention?: HookConventionName;
  /** Added to the environment of the process. Its values stand in no message. */
  readonly environment?: Readonly<Record<string, string>>;
  /** For one run of the command. Default 120. */
  readonly timeoutSeconds?: number;
  /** `false`: the records are not looked for in the DNS. */
  readonly propagation?: false | PropagationSettings;
}

/** The programs whose hooks run unchanged. */
export type HookConventionName = "lego" | "certbot" | "acme.sh";

/** How it is found out that a record is to be seen. */
export interface PropagationSettings {
  /** `address` or `address:port`, IPv6 in brackets before a port. Default: the resolvers of the machine. */
  readonly resolvers?: readonly string[];
  /** Whether every authoritative server is asked too. Default true. */
  readonly authoritative?: boolean;
  /** Default 180. */
  readonly timeoutSeconds?: number;
}

/** Plain data that a solver is made of. */
export type ChallengeSettings =
  | WebrootSettings
  | ListenerSettings<"http-01">
  | ListenerSettings<"tls-alpn-01">
  | CommandSettings;
