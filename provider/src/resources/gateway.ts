import * as pulumi from "@pulumi/pulumi";
import type { CellsOptions } from "../gateway/cells-options";
import type { FirewallPort, GatewayCommands, GatewayFile, GatewayKind } from "../gateway/kind";
import { type GatewayKindName, gatewayKinds } from "../gateway/kinds";
import { type SiteData, selfSignedHostnames } from "../gateway/site";
import { parseSites } from "../gateway/site-text";
import { gateway } from "../lifecycle/gateway";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "./dynamic-resource";
import { type GatewayCertificate, type Renewal, renewalOf } from "./gateway-certificate";
import { addSource, type FileSources, renderFiles } from "./gateway-files";
import type { LeafCertificate } from "./leaf-certificate";
import type { SelfSignedCA } from "./self-signed-ca";
import { Site } from "./site";
import { readSiteArgs, type SiteArgs } from "./site-args";
import { renderSitesText } from "./sites-text";

const kind = describeKind(gateway, "gateway", ["name", "kind", "options", "sites"]);

/** A site as data: no resource of its own, for fleets. */
export interface GatewaySiteArgs extends SiteArgs {
  /** The name within the gateway. */
  readonly name: string;
}

/** The arguments of {@link Gateway}. */
export interface GatewayArgs {
  /** The kind of the server. */
  readonly kind: GatewayKindName;
  /** All sites of the gateway: {@link Site} resources, or plain data, which costs the engine nothing. */
  readonly sites: readonly (Site | GatewaySiteArgs)[];
  /** What the kind needs to know; for `cells` its version, folders and gRPC port. */
  readonly options?: pulumi.Input<{ readonly [Name in keyof CellsOptions]?: pulumi.Input<CellsOptions[Name]> }>;
}

/**
 * All sites of one gateway: what they would break together is refused before anything is applied, and everything that
 * the server needs is an output.
 *
 * @example
 * ```ts
 * const gateway = new Gateway("cells", { kind: "cells", sites: [web, { name: "api", binds: [":8080"], tls: "disabled" }] });
 * export const configuration = gateway.configuration;
 * ```
 */
export class Gateway extends DynamicResource {
  /** The type token, for policies and {@link Gateway.isInstance}. */
  static readonly __pulumiType = kind.type;

  declare public readonly name: pulumi.Output<string>;
  declare public readonly kind: pulumi.Output<GatewayKindName>;
  declare public readonly options: pulumi.Output<Partial<CellsOptions> | undefined>;
  /** All sites, normalised, one block each: the text whose lines a preview compares. */
  declare public readonly sites: pulumi.Output<string>;
  private readonly sources: FileSources;
  private model: pulumi.Output<GatewayModel> | undefined;

  constructor(name: string, args: GatewayArgs, opts: pulumi.CustomResourceOptions = {}) {
    const isRead = opts.id !== undefined;
    const entries = isRead ? [] : args.sites.map((entry) => readEntry(entry));
    const sites = isRead ? args.sites : renderSitesText(entries.map((entry) => entry.data));
    super(kind, name, { kind: args.kind, options: args.options, sites, name }, opts, absentFrom(args, ["options"]));
    this.sources = this.collectSources(name, entries);
  }

  // what a program does not use is not rendered: with thousands of sites that counts

  /** The configuration as the server takes it; for `cells` JSON with `defaults.sites`. No key is in it. */
  get configuration(): pulumi.Output<string> {
    return this.derive(({ kind, sites, options }) => kind.render(sites, options).configuration);
  }

  /** What a first installation reads; for `cells` the YAML of `cells configure --yaml`. */
  get installYaml(): pulumi.Output<string | undefined> {
    return this.derive(({ kind, sites, options }) => kind.renderInstall?.(sites, options));
  }

  /** Environment variables that the server needs beside the configuration. */
  get environment(): pulumi.Output<Record<string, string>> {
    return this.derive(({ kind, sites, options }) => ({ ...kind.render(sites, options).environment }));
  }

  /** The configuration as environment variables, where one site can be expressed so; else `undefined`. */
  get siteEnvironment(): pulumi.Output<Record<string, string> | undefined> {
    return this.derive(({ kind, sites, options }) => {
      const { siteEnvironment } = kind.render(sites, options);
      return siteEnvironment && { ...siteEnvironment };
    });
  }

  /** What is right but may surprise. */
  get notes(): pulumi.Output<string[]> {
    return this.derive(({ kind, sites, options }) => [...kind.render(sites, options).notes]);
  }

  /** The ports to open, each with its reason. */
  get firewallPorts(): pulumi.Output<FirewallPort[]> {
    return this.derive(({ kind, sites, options }) => [...kind.firewallPorts(sites, options)]);
  }

  /** Shell commands for the server. */
  get commands(): pulumi.Output<GatewayCommands> {
    return this.derive(({ kind, sites, options }) => kind.commands(sites, options));
  }

  /** The files to place, with mode and purpose, without their contents. */
  get fileList(): pulumi.Output<GatewayFile[]> {
    return this.derive(({ kind, sites, options }) => [...kind.files(sites, options)]);
  }

  /** Path -> content of the files to place; secret. */
  get files(): pulumi.Output<Record<string, string>> {
    return renderFiles(this.fileList as pulumi.Output<readonly GatewayFile[]>, this.sources);
  }

  /** When each certificate of the gateway renews. */
  get renewals(): pulumi.Output<Renewal[]> {
    const certificates = [...this.sources.certificate.values(), ...this.sources.leaf.values()];
    return pulumi.all(certificates.map(renewalOf)) as pulumi.Output<Renewal[]>;
  }

  private derive<T>(render: (model: GatewayModel) => T): pulumi.Output<T> {
    this.model ??= pulumi.all([this.kind, this.options, this.sites]).apply(readModel) as pulumi.Output<GatewayModel>;
    return this.model.apply((model) => render(model as GatewayModel)) as pulumi.Output<T>;
  }

  /** The resources behind the sites; leaves for sites that are plain data are issued here, as children. */
  private collectSources(name: string, entries: readonly Entry[]): FileSources {
    const certificate = new Map<string, GatewayCertificate>();
    const leaf = new Map<string, GatewayCertificate>();
    const ca = new Map<string, SelfSignedCA>();
    for (const entry of entries) {
      if (entry.certificate !== undefined) {
        addSource(certificate, entry.certificate.resourceName, entry.certificate, name);
      }
      if (entry.ca === undefined) continue;
      addSource(ca, entry.ca.resourceName, entry.ca, name);
      const issued = entry.leaf ?? this.issueLeaf(entry.ca, `${name}-${entry.name}-leaf`, entry.name);
      leaf.set(entry.name, issued);
    }
    return { certificate, leaf, ca };
  }

  private issueLeaf(ca: SelfSignedCA, name: string, siteName: string): LeafCertificate {
    const hostnames = this.derive(({ sites }) => {
      const site = sites.find((one) => one.name === siteName);
      return site === undefined ? [] : [...selfSignedHostnames(site)];
    });
    return ca.issue(name, { hostnames }, { parent: this });
  }

  /**
   * Takes over a gateway of another stack by its outputs; it is not checked again, and has no `files`.
   *
   * @throws TlsError `STATE_INVALID` without `state`.
   */
  static get(
    name: string,
    id: pulumi.Input<pulumi.ID>,
    state?: { readonly kind: GatewayKindName; readonly sites: pulumi.Input<string> },
    opts?: pulumi.CustomResourceOptions,
  ): Gateway {
    return new Gateway(name, (state ?? {}) as unknown as GatewayArgs, { ...opts, id });
  }

  /** Whether `value` is a `Gateway`, also one of another copy of this package. */
  static override isInstance(value: unknown): value is Gateway {
    return isResourceOfKind(value, kind);
  }
}

/** What every output is rendered from. */
interface GatewayModel {
  readonly kind: GatewayKind<unknown>;
  readonly options: unknown;
  readonly sites: readonly SiteData[];
}

function readModel([name, options, text]: [GatewayKindName, Partial<CellsOptions> | undefined, string]): GatewayModel {
  const kind = gatewayKinds[name] as unknown as GatewayKind<unknown>;
  return { kind, options: kind.parseOptions(options), sites: parseSites(text) };
}

/** One site of the arguments, with the resources that it refers to. */
interface Entry {
  readonly name: string;
  readonly data: unknown;
  readonly certificate?: GatewayCertificate;
  readonly leaf?: GatewayCertificate;
  readonly ca?: SelfSignedCA;
}

function readEntry(entry: Site | GatewaySiteArgs): Entry {
  if (!Site.isInstance(entry)) return { ...readSiteArgs(entry.name, entry), name: entry.name };
  const { spec, certificate, leaf, ca, siteName } = entry;
  return {
    name: siteName,
    data: spec,
    ...(ca === undefined ? certificate !== undefined && { certificate } : { ca, ...(leaf !== undefined && { leaf }) }),
  };
}
