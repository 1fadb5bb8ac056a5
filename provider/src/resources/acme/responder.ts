import * as pulumi from "@pulumi/pulumi";
import type { GatewayOptions } from "../../gateway/kinds";
import type { FirewallPort, GatewayCommands } from "../../gateway/model/kind";
import { type ResponderKindName, type ResponderRendering, renderResponder } from "../../gateway/responders";

/** What is known of an ACME account: an `AcmeAccount`, or the thumbprint of the key of any other. */
export interface AnsweredAccount {
  /** SHA-256 of the account's key (RFC 7638), base64url, 43 characters. */
  readonly thumbprint: pulumi.Input<string>;
}

/** Accounts that are told apart by the host of the CA's request: it does not say for which account it is. */
export interface AnsweredHosts {
  /** The account whose challenges are answered for these hosts. */
  readonly account: AnsweredAccount;
  /** Names and addresses without wildcards. Default: every host that no other account has, for one account at most. */
  readonly hostnames?: readonly string[];
}

/** The arguments of {@link acmeResponder}. They are plain, but for thumbprints, so that they are judged at once. */
export type AcmeResponderArgs = { [Kind in ResponderKindName]: AcmeResponderArgsOf<Kind> }[ResponderKindName];

/** {@link AcmeResponderArgs} of one kind. */
export type AcmeResponderArgsOf<Kind extends ResponderKindName> = (
  | {
      /** The one account whose challenges are answered. */
      readonly account: AnsweredAccount;
      /** Not given beside `account`. */
      readonly accounts?: never;
    }
  | {
      /** Several accounts, told apart by the host of the CA's request. */
      readonly accounts: readonly AnsweredHosts[];
      /** Not given beside `accounts`. */
      readonly account?: never;
    }
) & {
  /** The server that listens on port 80. Others can't answer by their configuration alone; the refusal says what can. */
  readonly kind: Kind;
  /** Default 80, the one port that CAs ask; another one is for what port 80 is forwarded to. */
  readonly port?: number;
  /** Addresses of the machine to listen on. Default all of IPv4 and IPv6. */
  readonly addresses?: readonly string[];
  /** Where all other requests go: `true`, the default, to https on port 443 (308), a number to that port, `false`: 404. */
  readonly redirect?: boolean | number;
  /** Those of a `Gateway` of this kind: version, folders, commands. */
  readonly options?: { readonly [Name in keyof GatewayOptions<Kind>]?: NonNullable<GatewayOptions<Kind>[Name]> };
};

/** What a server needs that is to answer http-01; all of it is known as soon as the thumbprints are, and no secret. */
export interface AcmeResponder {
  /** The kind of server. */
  readonly kind: ResponderKindName;
  /** A whole configuration, or for `nginx` and `apache` a file of its own. It needs no certificate. */
  readonly configuration: pulumi.Output<string>;
  /** Where the server looks for it. */
  readonly path: string;
  /** Path -> text of all that is to be placed where {@link installScript} is not used. */
  readonly files: pulumi.Output<Record<string, string>>;
  /**
   * A POSIX shell script as that of a `Gateway`: it has the server's own checker judge, swaps, reloads, asks the running
   * server for a challenge (by curl or wget, where there is one), and else puts back what was there. Twice does nothing.
   */
  readonly installScript: pulumi.Output<string>;
  /** Takes away what {@link installScript} placed, and puts back what was there before. */
  readonly removeScript: pulumi.Output<string>;
  /** SHA-256, hex, for `triggers` of the command that runs {@link installScript}. */
  readonly contentHash: pulumi.Output<string>;
  /** Shell commands for the server, for files that were placed by hand. */
  readonly commands: GatewayCommands;
  /** The ports that the CA must be able to reach. */
  readonly firewallPorts: readonly FirewallPort[];
  /** What is right but may surprise. */
  readonly notes: readonly string[];
}

/**
 * A configuration by which a server answers all http-01 challenges of an account by itself (RFC 8555 section 8.3): the
 * answer is the token of the request and the thumbprint of the account's key. Validation then needs no credentials, no
 * listener and no hook. A function, no resource: nothing of it is in the state.
 *
 * nginx and Apache read it beside the file of a `Gateway`, which answers for the names of its own sites when it has
 * `options.acmeThumbprint`. HAProxy, Caddy and Envoy read one configuration: there a `Gateway` with that option takes the
 * responder's place, in the same folder, and the responder's script then finds nothing to do.
 *
 * @throws TlsError `GATEWAY_INVALID` naming the property; a thumbprint is judged when it is known
 * @example
 * ```ts
 * const responder = acmeResponder({ kind: "nginx", account });
 * const answering = new command.remote.Command("responder", {
 *   connection,
 *   create: "sh",
 *   stdin: responder.installScript,
 *   triggers: [responder.contentHash],
 * });
 * ```
 */
export function acmeResponder(args: AcmeResponderArgs): AcmeResponder {
  const { kind, port, addresses, redirect, options } = args;
  const given: readonly AnsweredHosts[] =
    args.account === undefined ? (args.accounts ?? []) : [{ account: args.account }];
  const render = (thumbprints: readonly string[]): ResponderRendering => {
    const accounts = given.map(({ hostnames }, index) => ({ thumbprint: thumbprints[index] ?? "", hostnames }));
    return renderResponder(kind, { accounts, port, addresses, redirect }, options);
  };
  // all but the thumbprints is judged, and mostly known, before there is an account
  const { path, commands, firewallPorts, notes } = render(
    given.map(({ account }) => (typeof account.thumbprint === "string" ? account.thumbprint : STAND_IN)),
  );
  const rendering = pulumi
    .all(given.map(({ account }) => pulumi.output(account.thumbprint)))
    .apply((thumbprints) => render(thumbprints)) as pulumi.Output<ResponderRendering>;
  const derive = <T>(read: (rendered: ResponderRendering) => T): pulumi.Output<T> =>
    rendering.apply((rendered) => read(rendered as ResponderRendering)) as pulumi.Output<T>;
  return {
    kind,
    path,
    commands,
    firewallPorts,
    notes,
    configuration: derive(({ configuration }) => configuration),
    files: derive(({ files }) => ({ ...files })),
    installScript: derive(({ installScript }) => installScript),
    removeScript: derive(({ removeScript }) => removeScript),
    contentHash: derive(({ contentHash }) => contentHash),
  };
}

/** A thumbprint of nobody. */
const STAND_IN = "A".repeat(43);
