import type * as pulumi from "@pulumi/pulumi";

/** http-01 (RFC 8555 section 8.3) through a web server that is there, by files in the folder that it serves on port 80. */
export interface HttpWebrootChallengeArgs {
  readonly type: "http-01";
  /** The folder that holds, or will hold, `.well-known`; relative to the program's folder. */
  readonly webroot: pulumi.Input<string>;
}

/** http-01 by a server of our own, as long as the challenge lasts. */
export interface HttpListenerChallengeArgs {
  readonly type: "http-01";
  /** Default 80; the CA connects to no other, so another one must be forwarded to. */
  readonly port?: pulumi.Input<number>;
  /** An address of this machine. Default: all. */
  readonly address?: pulumi.Input<string>;
}

/** tls-alpn-01 (RFC 8737) by a server of our own, as long as the challenge lasts. */
export interface TlsAlpnChallengeArgs {
  readonly type: "tls-alpn-01";
  /** Default 443; the CA connects to no other, so another one must be forwarded to. */
  readonly port?: pulumi.Input<number>;
  /** An address of this machine. Default: all. */
  readonly address?: pulumi.Input<string>;
}

/** dns-01 (RFC 8555 section 8.4) by a program of yours that sets and removes TXT records. The only one for wildcards. */
export interface DnsCommandChallengeArgs {
  readonly type: "dns-01";
  /** A program, or a program and its first arguments. No shell reads it: a text with spaces is one path. */
  readonly command: pulumi.Input<string | string[]>;
  /** Another program for the removal, as certbot's hooks come in pairs. Default: `command`. */
  readonly cleanupCommand?: pulumi.Input<string | string[]>;
  /** Whose hooks it is written for: `lego` (its exec provider, the default), `certbot` (manual hooks) or `acme.sh` (dns API). */
  readonly convention?: pulumi.Input<"lego" | "certbot" | "acme.sh">;
  /** Added to its environment, for instance a token. Secret. */
  readonly environment?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** For one run of it. Default 120. */
  readonly timeoutSeconds?: pulumi.Input<number>;
  /** How the records are looked for before the CA is asked to; `false`: not at all. */
  readonly propagation?: pulumi.Input<
    | false
    | {
        /** `address` or `address:port`. Default: the resolvers of the machine. */
        readonly resolvers?: string[];
        /** Whether every authoritative server is asked too. Default true. */
        readonly authoritative?: boolean;
        /** Default 180. */
        readonly timeoutSeconds?: number;
      }
  >;
}

/** How control of the names is proved to a CA. */
export type AcmeChallengeArgs =
  | HttpWebrootChallengeArgs
  | HttpListenerChallengeArgs
  | TlsAlpnChallengeArgs
  | DnsCommandChallengeArgs;
