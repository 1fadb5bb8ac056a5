import type { GatewayFeature } from "./features";
import type { SiteProblem } from "./problem";
import type { GatewayReaders } from "./readers";
import type { SiteData } from "./site";

/** A file that must lie on the gateway's machine. Its content is put in by whoever holds the certificates. */
export interface GatewayFile {
  /** Absolute path on the gateway's machine. */
  readonly path: string;
  /** Octal, as chmod takes it. The install script gives files to root and to the group of those who read them. */
  readonly mode: string;
  /** Where its content comes from. */
  readonly source: {
    /**
     * "leaf": the certificate that a CA issued for the site of that name; "upstream" and "clientAuth": what was given as
     * `rootCaPem` or `caPem` of the site of that name; the others are resources of that name.
     */
    readonly of: "certificate" | "leaf" | "ca" | "upstream" | "clientAuth";
    readonly name: string;
    /** "haproxyPem": full chain and key in one file. "caPem" belongs to "upstream" and "clientAuth". */
    readonly part: "fullChainPem" | "certPem" | "privateKeyPem" | "issuerPem" | "haproxyPem" | "caPem";
  };
  /** What the gateway uses it for, for a person. */
  readonly purpose: string;
}

/** A port that clients, or a certificate authority, must be able to reach. */
export interface FirewallPort {
  /** 1 to 65535. */
  readonly port: number;
  /** The transport; `udp` for HTTP/3. */
  readonly protocol: "tcp" | "udp";
  /** What the port is for, for a person. */
  readonly reason: string;
  /** Names of the sites that need it, sorted. */
  readonly sites: readonly string[];
}

/** The configuration of a gateway in the forms in which it takes one. Holds names and paths, no key. */
export interface GatewayRendering {
  /** The configuration itself. */
  readonly configuration: string;
  /** Further files of the configuration that hold no certificate: absolute path -> text. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Environment variables that the gateway needs beside its configuration. */
  readonly environment: Readonly<Record<string, string>>;
  /** The whole configuration as environment variables, where they can say it. */
  readonly siteEnvironment?: Readonly<Record<string, string>>;
  /** Why {@link siteEnvironment} is absent. */
  readonly siteEnvironmentReason?: string;
}

/** Shell commands, in order, to run on the gateway's machine. */
export interface GatewayCommands {
  /** After the files are in place: takes over a changed configuration or certificate. */
  readonly apply: readonly string[];
  /** For the first start of a new gateway. */
  readonly install: readonly string[];
}

/** A handshake that shows which certificate is served. */
export interface HandshakeProbe {
  /** An address of the gateway's own machine. */
  readonly address: string;
  readonly port: number;
  /** Absent: none is sent, and the site answers every name. */
  readonly serverName?: string;
  /** {@link GatewayFile.path} of the certificate that must be served, or the path of one that lies on the server. */
  readonly certificate: string;
}

/**
 * How a configuration is taken over by a running server. Commands are POSIX shell in which `$directory` is
 * {@link GatewayInstall.directory}, and `$set` the folder of the set in question. A command may keep `$directory/running`.
 */
export interface GatewayInstall {
  /**
   * Folder, of plain letters, that holds the sets: `sets/<hash>` each, and `current`, a link to the one in use. Paths in
   * the configuration go through `<directory>/current/`.
   */
  readonly directory: string;
  /** Name of the configuration within a set. */
  readonly configurationFile: string;
  /** Where the server looks: a link to the file of the set in use, or a copy that is moved into place. */
  readonly entries: readonly { readonly path: string; readonly file: string; readonly how: "link" | "copy" }[];
  /** `defaults.sites` of this JSON file is replaced by that of the configuration, the rest stays octet by octet. */
  readonly mergeInto?: string;
  /** Who may read the keys beside the one who runs the script, to whom all files belong; absent: nobody. */
  readonly readers?: GatewayReaders;
  /**
   * A folder that may belong to the account of the service, with all that the script changes in it or below it: run by root,
   * the script then has the rights of that account there. Everywhere else root works only where nobody else can.
   */
  readonly serviceFolder?: string;
  /**
   * Judges a set before it is in use: exit status 0 is good. The texts of the set stand in `$set/check/` too, where
   * `<directory>/current/` is `$set/`.
   */
  readonly check?: string;
  /** Judges the whole configuration of the server after the set is in use, before the server is told. */
  readonly checkInstalled?: string;
  /** Stops a server that can't read its configuration anew; runs before the set is put in use. */
  readonly stop?: string;
  /** Tells the running server to take the configuration over, or starts it. */
  readonly reload: string;
  readonly probes: readonly HandshakeProbe[];
  /** Why no handshake is tried on some listeners, each a sentence. */
  readonly unprobed?: readonly string[];
}

/**
 * One kind of gateway: pure functions over sites in canonical form. All but `checkSites` expect sites without problems.
 */
export interface GatewayKind<Options> {
  readonly kind: string;
  /** What the kind can serve: true, or why not, a clause that follows the kind's name. */
  readonly features: Readonly<Record<GatewayFeature, true | string>>;
  /** @throws TlsError GATEWAY_INVALID naming the option */
  readonly parseOptions: (input: unknown) => Options;
  readonly checkSites: (sites: readonly SiteData[], options: Options) => readonly SiteProblem[];
  readonly render: (sites: readonly SiteData[], options: Options) => GatewayRendering;
  /** What a first installation reads, where the gateway has such a file; apart, since few need it and YAML is slow. */
  readonly renderInstall?: (sites: readonly SiteData[], options: Options) => string;
  /** What is right but may surprise, each a sentence that names its site; apart, since it is told without the rest. */
  readonly notes: (sites: readonly SiteData[], options: Options) => readonly string[];
  /** The same configuration in the form that people write, where the server has another. */
  readonly renderReadable?: (sites: readonly SiteData[], options: Options) => string;
  readonly files: (sites: readonly SiteData[], options: Options) => readonly GatewayFile[];
  /** For Kubernetes: the objects that hold certificates and keys, which the configuration only names. `contents` by path. */
  readonly renderSecrets?: (
    files: readonly GatewayFile[],
    contents: Readonly<Record<string, string>>,
    options: Options,
  ) => readonly object[];
  readonly firewallPorts: (sites: readonly SiteData[], options: Options) => readonly FirewallPort[];
  readonly commands: (sites: readonly SiteData[], options: Options) => GatewayCommands;
  /** Absent where nothing is installed on a machine, as in Kubernetes. */
  readonly install?: (sites: readonly SiteData[], options: Options) => GatewayInstall;
}
