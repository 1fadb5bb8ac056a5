import { TlsError } from "../../errors";
import type { AcmeDirectory } from "../client/directory";
import type { AcmeIdentifier, ChallengeType } from "../client/identifier";
import type { AccountKey } from "../client/jws";
import type { PropagationSettings } from "../dns/look-up";
import type { PreflightFinding } from "../look/finding";
import type { AcmeClock, Deadline } from "../run/deadline";

/** One challenge of one authorization (RFC 8555 section 8). */
export interface ChallengeTask {
  /** A DNS name without its `*.`, as a CA's authorization has it. */
  readonly identifier: AcmeIdentifier;
  /** Whether `*.` stands before the name in the certificate. */
  readonly isWildcard: boolean;
  /** base64url, by the CA; empty for dns-persist-01, which has none. */
  readonly token: string;
  /** RFC 8555 section 8.1: token and thumbprint of the account's key; empty where there is no token. */
  readonly keyAuthorization: string;
  /** dns-persist-01: the names that the CA reads records under, as its challenge tells them. */
  readonly issuerDomainNames?: readonly string[];
}

/** A name that is going to be proved. */
export type ChallengeName = Pick<ChallengeTask, "identifier" | "isWildcard">;

/** Whom a solver answers for, and by which clock. */
export interface SolverContext {
  readonly key: AccountKey;
  readonly accountUrl: string;
  readonly clock: AcmeClock;
  /** What the CA says of itself. */
  readonly directory: (deadline: Deadline) => Promise<AcmeDirectory>;
}

/** One way to answer challenges. */
export interface ChallengeSolver {
  readonly type: ChallengeType;
  /** What the CA looks for stands already, put there by somebody else: `present` looks for it, nothing is taken away. */
  readonly isStanding?: true;
  /** Why this identifier can't be proved so, for a message after "because"; undefined when it can. */
  readonly refuse: (identifier: AcmeIdentifier, isWildcard: boolean) => string | undefined;
  /**
   * Before anything is ordered: whether what the CA is going to look for is in place, as far as that can be seen now.
   * Absent where nothing can be seen before there is a token.
   * @throws TlsError ACME_TIMEOUT or ACME_ABORTED by the deadline
   */
  preflight?(names: readonly ChallengeName[], deadline: Deadline): Promise<readonly PreflightFinding[]>;
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
  /** How the record is handed over; default `lego`. See `dns-01/hook-convention.ts`. */
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

/** A gateway that answers http-01 by itself: the answer is the token and the thumbprint of the account's key. */
export interface GatewaySettings {
  readonly type: "http-01";
  readonly via: "gateway";
  /** Where the gateway is asked. Default 80, the port that CAs ask; another one is for what is forwarded to. */
  readonly port?: number;
  /** As {@link PropagationSettings.resolvers}: by which DNS the names are found. */
  readonly resolvers?: readonly string[];
}

/** Records of an `AcmeOrder`, which other resources put into the DNS. */
export interface OrderRecordsSettings {
  readonly type: "dns-01";
  readonly via: "order";
  /** `false`: the records are not looked for in the DNS. */
  readonly propagation?: false | PropagationSettings;
}

/** Answers of an `AcmeOrder`, which other resources put where a web server has them. */
export interface OrderResourcesSettings {
  readonly type: "http-01";
  readonly via: "order";
  /** As {@link GatewaySettings.port}. */
  readonly port?: number;
  readonly resolvers?: readonly string[];
}

/** Standing TXT records `_validation-persist` (draft-ietf-acme-dns-persist), which other resources put into the DNS. */
export interface PersistSettings {
  readonly type: "dns-persist-01";
  /** `false`: the records are not looked for in the DNS. */
  readonly propagation?: false | PropagationSettings;
}

/** Plain data that a solver is made of. */
export type ChallengeSettings =
  | WebrootSettings
  | ListenerSettings<"http-01">
  | GatewaySettings
  | OrderResourcesSettings
  | ListenerSettings<"tls-alpn-01">
  | CommandSettings
  | OrderRecordsSettings
  | PersistSettings;

/** RFC 8555 section 8.3: base64url and nothing else. Real ones have 43 characters; a file name has at most 255. */
const tokenPattern = /^[A-Za-z0-9_-]{1,200}$/;

/**
 * The token, when it is one: it becomes a path or an argument, and comes from another machine.
 * @throws TlsError ACME_CHALLENGE
 */
export function checkToken(token: string): string {
  if (tokenPattern.test(token)) return token;
  throw new TlsError("ACME_CHALLENGE", "the CA sent a token that is not base64url, which is used nowhere.", {
    hint: "No CA that keeps to RFC 8555 does so: check the directory's URL.",
  });
}
