import * as pulumi from "@pulumi/pulumi";

/** http-01 (RFC 8555 section 8.3) through a web server that is there, by files in the folder that it serves on port 80. */
export interface HttpWebrootChallengeArgs {
  /** The challenge's type in ACME. */
  readonly type: "http-01";
  /** The folder that holds, or will hold, `.well-known`; relative to the program's folder. */
  readonly webroot: pulumi.Input<string>;
}

/** http-01 by a server of our own, as long as the challenge lasts. */
export interface HttpListenerChallengeArgs {
  /** The challenge's type in ACME. */
  readonly type: "http-01";
  /** Default 80; the CA connects to no other, so another one must be forwarded to. */
  readonly port?: pulumi.Input<number>;
  /** An address of this machine. Default: all. */
  readonly address?: pulumi.Input<string>;
}

/** tls-alpn-01 (RFC 8737) by a server of our own, as long as the challenge lasts. */
export interface TlsAlpnChallengeArgs {
  /** The challenge's type in ACME. */
  readonly type: "tls-alpn-01";
  /** Default 443; the CA connects to no other, so another one must be forwarded to. */
  readonly port?: pulumi.Input<number>;
  /** An address of this machine. Default: all. */
  readonly address?: pulumi.Input<string>;
}

/** dns-01 (RFC 8555 section 8.4) by a program of yours that sets and removes TXT records. The only one for wildcards. */
export interface DnsCommandChallengeArgs {
  /** The challenge's type in ACME. */
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
  readonly propagation?: pulumi.Input<PropagationArgs>;
}

/**
 * http-01 by a gateway that answers by itself, as `acmeResponder` configures it: the answer is the token and the thumbprint of
 * the account's key, which never changes. Before anything is ordered each name is asked for a random token, as the CA would.
 */
export interface HttpGatewayChallengeArgs extends HttpLookArgs {
  /** The challenge's type in ACME. */
  readonly type: "http-01";
  /** Tells it from the listener and the webroot. */
  readonly via: "gateway";
}

/**
 * dns-persist-01 by records that stand in the DNS for good: `account.validationRecords` makes them. Nothing moves at a
 * renewal. Let's Encrypt offers it at its staging (2026).
 */
export interface DnsPersistChallengeArgs {
  /** The challenge's type in ACME. */
  readonly type: "dns-persist-01";
  /** How the records are looked for before the CA is asked to; `false`: not at all. */
  readonly propagation?: pulumi.Input<PropagationArgs>;
}

/**
 * What stands is taken: dns-persist-01 where the CA offers it and the records stand for every name; else http-01 where the
 * gateway answers for every name; else dns-01 by the program given. What was taken, and why, is the output `validatedBy`.
 */
export interface AutoChallengeArgs extends HttpLookArgs {
  /** Chooses by what is in place at each order. */
  readonly type: "auto";
  /** How standing records are looked for. Default: by `resolvers`. */
  readonly propagation?: pulumi.Input<PropagationArgs>;
  /** The last resort. Default: none, and an error says what was seen of the others. */
  readonly dns?: Omit<DnsCommandChallengeArgs, "type">;
}

/** Where names are asked by HTTP. */
interface HttpLookArgs {
  /** Default 80, the port that CAs ask; another one is for what is forwarded to. */
  readonly port?: pulumi.Input<number>;
  /** By which DNS the names are found: `address` or `address:port`. Default: the resolvers of the machine. */
  readonly resolvers?: pulumi.Input<pulumi.Input<string>[]>;
}

/** How what an {@link AcmeOrder} puts out is looked for before the CA is told. */
export type OrderChallengeArgs =
  | {
      /** By the order's records. */
      readonly type: "dns-01";
      /** How the records are looked for before the CA is told; `false`: not at all. */
      readonly propagation?: pulumi.Input<PropagationArgs>;
    }
  | ({
      /** By the order's HTTP resources. */
      readonly type: "http-01";
    } & HttpLookArgs);

/** How records are looked for in the DNS; `false`: not at all. */
export type PropagationArgs =
  | false
  | {
      /** `address` or `address:port`. Default: the resolvers of the machine. */
      readonly resolvers?: string[];
      /** Whether every authoritative server is asked too. Default true. */
      readonly authoritative?: boolean;
      /** Default 180. */
      readonly timeoutSeconds?: number;
    };

/** How control of the names is proved to a CA. */
export type AcmeChallengeArgs =
  | HttpWebrootChallengeArgs
  | HttpListenerChallengeArgs
  | HttpGatewayChallengeArgs
  | TlsAlpnChallengeArgs
  | DnsCommandChallengeArgs
  | DnsPersistChallengeArgs
  | AutoChallengeArgs
  /** The kinds that need no settings. */
  | "dns-persist-01"
  | "auto";

/** The settings, and apart from them the environment of a command, which may hold secrets. */
export function challengeProperties(challenge: AcmeChallengeArgs): Record<string, unknown> {
  if (typeof challenge === "string") return { challenge: { type: challenge } };
  const {
    dns,
    environment = dns?.environment,
    ...settings
  } = challenge as {
    readonly dns?: Omit<DnsCommandChallengeArgs, "type">;
    readonly environment?: DnsCommandChallengeArgs["environment"];
  };
  const { environment: _, ...command } = dns ?? {};
  return {
    challenge: { ...settings, ...(dns !== undefined && { dns: command }) },
    ...(environment !== undefined && { challengeEnvironment: pulumi.secret(pulumi.jsonStringify(environment)) }),
  };
}

/** As the provider takes it. */
export function preflightProperties(preflight: PreflightArgs | undefined): Record<string, unknown> {
  if (preflight === undefined) return {};
  return { preflight: typeof preflight === "string" ? { when: preflight } : preflight };
}

/**
 * When it is looked, before anything is ordered, whether the order can come to its end: the names resolve, CAA records allow
 * the CA and the account, what the CA is going to look for stands, the clock is right, the names fit the profile and the CA's
 * policy. `up` (default): in the run that orders, which orders nothing then. `preview`: in previews as well, which use the
 * network then. `off`: not at all.
 *
 * The DNS is asked for a CA that is known by name, such as `letsencrypt`; for others where `resolvers` are given, since a CA
 * inside sees another DNS.
 */
export type PreflightArgs =
  | "up"
  | "preview"
  | "off"
  | {
      readonly when?: pulumi.Input<"up" | "preview" | "off">;
      /** `address` or `address:port`. Default: the resolvers of the machine. */
      readonly resolvers?: pulumi.Input<pulumi.Input<string>[]>;
    };
