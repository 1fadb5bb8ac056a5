import type { SiteData } from "./site";

/** Something that a gateway of this kind can't serve; nothing is applied before it is gone. */
export interface SiteProblem {
  readonly site: string;
  /** The second site, when two of them collide. */
  readonly otherSite?: string;
  readonly property: string;
  /** Says what was found, why it can't work, and what to do. */
  readonly reason: string;
}

/** A file that must lie on the gateway's machine. Its content is put in by whoever holds the certificates. */
export interface GatewayFile {
  /** Absolute path on the gateway's machine. */
  readonly path: string;
  /** Octal, as chmod takes it. The owner is the user that the gateway runs as. */
  readonly mode: string;
  readonly source: {
    /** "leaf": the certificate that a CA issued for the site of that name; the others are resources of that name. */
    readonly of: "certificate" | "leaf" | "ca";
    readonly name: string;
    readonly part: "fullChainPem" | "certPem" | "privateKeyPem" | "issuerPem";
  };
  readonly purpose: string;
}

/** A port that clients, or a certificate authority, must be able to reach. */
export interface FirewallPort {
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly reason: string;
  /** Names of the sites that need it, sorted. */
  readonly sites: readonly string[];
}

/** The configuration of a gateway in the forms in which it takes one. Holds names and paths, no key. */
export interface GatewayRendering {
  /** The configuration itself. */
  readonly configuration: string;
  /** Environment variables that the gateway needs beside its configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** The whole configuration as environment variables, where they can say it. */
  readonly siteEnvironment?: Readonly<Record<string, string>>;
  /** Why {@link siteEnvironment} is absent. */
  readonly siteEnvironmentReason?: string;
  /** What is right but may surprise, each a sentence that names its site. */
  readonly notes: readonly string[];
}

/** Shell commands, in order, to run on the gateway's machine. */
export interface GatewayCommands {
  /** After the files are in place: takes over a changed configuration or certificate. */
  readonly apply: readonly string[];
  /** For the first start of a new gateway. */
  readonly install: readonly string[];
}

/**
 * One kind of gateway: pure functions over sites in canonical form. All but `checkSites` expect sites without problems.
 */
export interface GatewayKind<Options> {
  readonly kind: string;
  /** @throws TlsError GATEWAY_INVALID naming the option */
  readonly parseOptions: (input: unknown) => Options;
  readonly checkSites: (sites: readonly SiteData[], options: Options) => readonly SiteProblem[];
  readonly render: (sites: readonly SiteData[], options: Options) => GatewayRendering;
  /** What a first installation reads, where the gateway has such a file; apart, since few need it and YAML is slow. */
  readonly renderInstall?: (sites: readonly SiteData[], options: Options) => string;
  readonly files: (sites: readonly SiteData[], options: Options) => readonly GatewayFile[];
  readonly firewallPorts: (sites: readonly SiteData[], options: Options) => readonly FirewallPort[];
  readonly commands: (sites: readonly SiteData[], options: Options) => GatewayCommands;
}
