import * as pulumi from "@pulumi/pulumi";
import type { GatewayKindName, GatewayOptions } from "../../gateway/kinds";
import type { FirewallPort, GatewayCommands, GatewayFile } from "../../gateway/model/kind";
import { selfSignedHostnames } from "../../gateway/model/site";
import { gatewayDescription } from "../../lifecycle/descriptions";
import { absentFrom, DynamicResource, describeKind, isResourceOfKind } from "../base/dynamic-resource";
import type { LeafCertificate } from "../certificate/leaf-certificate";
import type { SelfSignedCA } from "../certificate/self-signed-ca";
import { type GatewayCertificate, type Renewal, renewalOf } from "./certificate-reference";
import { addSource, type FileSources, type FilledFile, fillFiles, renderFiles } from "./files";
import { type GatewayModel, readModel, renderContentHash, renderObjects, renderRemoval, renderScript } from "./install";
import { Site } from "./site";
import { readSiteArgs, type SiteArgs, type SiteAuthorities } from "./site-args";

const kind = describeKind(gatewayDescription, "gateway", () => require("../../lifecycle/site/gateway").gateway);

/** A site as data: no resource of its own, for fleets. */
export interface GatewaySiteArgs extends SiteArgs {
  /** The name within the gateway. */
  readonly name: string;
}

/** The arguments of a {@link Gateway} of one kind. */
export interface GatewayArgsOf<Kind extends GatewayKindName> {
  /** The kind of the server. */
  readonly kind: Kind;
  /** All sites of the gateway: {@link Site} resources, or plain data, which costs the engine nothing. */
  readonly sites: readonly (Site | GatewaySiteArgs)[];
  /** What the kind needs to know: the server's version, its folders, ports and commands. */
  readonly options?: pulumi.Input<{
    readonly [Name in keyof GatewayOptions<Kind>]?: pulumi.Input<NonNullable<GatewayOptions<Kind>[Name]>>;
  }>;
}

/** The arguments of a {@link Gateway}. */
export type GatewayArgs = { [Kind in GatewayKindName]: GatewayArgsOf<Kind> }[GatewayKindName];

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

  /** The Pulumi name. */
  declare public readonly name: pulumi.Output<string>;
  /** The kind of server. */
  declare public readonly kind: pulumi.Output<GatewayKindName>;
  /** As given. */
  declare public readonly options: pulumi.Output<Readonly<Record<string, unknown>> | undefined>;
  /** All sites, normalised, one block each: the text whose lines a preview compares. */
  declare public readonly sites: pulumi.Output<string>;
  private readonly sources: FileSources;
  private readonly resourceName: string;
  private model: pulumi.Output<GatewayModel> | undefined;
  private filled: pulumi.Output<readonly FilledFile[]> | undefined;

  constructor(name: string, args: GatewayArgs, opts: pulumi.CustomResourceOptions = {}) {
    const isRead = opts.id !== undefined;
    const entries = isRead ? [] : args.sites.map((entry) => readEntry(entry));
    const sites = isRead ? args.sites : renderSitesText(entries.map((entry) => entry.data));
    super(kind, name, { kind: args.kind, options: args.options, sites, name }, opts, absentFrom(args, ["options"]));
    this.resourceName = name;
    this.sources = this.collectSources(name, entries);
  }

  // what a program does not use is not rendered: with thousands of sites that counts

  /**
   * The configuration as the server takes it, without any key: JSON with `defaults.sites` for `cells`, an include of `http`
   * for `nginx`, a whole file for `haproxy`, `caddy` (JSON), `envoy`; `configurationTexts` has what it names beside.
   */
  get configuration(): pulumi.Output<string> {
    return this.derive(({ kind, sites, options }) => kind.render(sites, options).configuration);
  }

  /** Further files of the configuration that hold no certificate: path -> text. */
  get configurationTexts(): pulumi.Output<Record<string, string>> {
    return this.derive(({ kind, sites, options }) => ({ ...kind.render(sites, options).texts }));
  }

  /** The configuration as people read it, where the server has such a form: the Caddyfile of `caddy`. */
  get readableConfiguration(): pulumi.Output<string | undefined> {
    return this.derive(({ kind, sites, options }) => kind.renderReadable?.(sites, options));
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
    return this.derive(({ kind, sites, options }) => [...kind.notes(sites, options)]);
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
    return renderFiles(this.fill());
  }

  /**
   * A POSIX shell script with everything inside that installs the gateway, or brings it up to date; secret. For
   * `ssh host sh`, a remote command of `@pulumi/command`, or a step of a pipeline. It writes beside, has the server's own
   * checker judge, swaps at once, reloads, verifies by a handshake that the new certificates are served, and else puts the
   * last set back. Twice does nothing. In no state.
   *
   * @throws TlsError `GATEWAY_INVALID` for a kind without a machine, and for a key that this stack does not have
   */
  get installScript(): pulumi.Output<string> {
    return pulumi.secret(
      pulumi
        .all([this.derive((model) => model), this.fill()])
        .apply(([model, files]) => renderScript(this.resourceName, model as GatewayModel, files as FilledFile[])),
    );
  }

  /** Takes away what {@link installScript} placed, and puts back what was there before. No secret is in it. */
  get removeScript(): pulumi.Output<string> {
    return this.derive((model) => renderRemoval(this.resourceName, model));
  }

  /**
   * SHA-256, hex, over the configuration and the certificates, for `triggers` of the command that runs
   * {@link installScript}. Keys have no part in it, so it is no secret.
   */
  get contentHash(): pulumi.Output<string> {
    return pulumi.unsecret(
      pulumi
        .all([this.derive((model) => model), this.fill()])
        .apply(([model, files]) => renderContentHash(model as GatewayModel, files as FilledFile[])),
    );
  }

  /**
   * All objects for `@pulumi/kubernetes`, those with certificates and keys first; secret. `undefined` for kinds that are no
   * part of a cluster. `configuration` has the others alone, as a list in JSON.
   */
  get kubernetesObjects(): pulumi.Output<object[] | undefined> {
    return pulumi.secret(
      pulumi
        .all([this.derive((model) => model), this.fill()])
        .apply(([model, files]) => renderObjects(model as GatewayModel, files as FilledFile[])),
    );
  }

  /** When each certificate of the gateway renews. */
  get renewals(): pulumi.Output<Renewal[]> {
    const certificates = [...this.sources.certificate.values(), ...this.sources.leaf.values()];
    return pulumi.all(certificates.map(renewalOf)) as pulumi.Output<Renewal[]>;
  }

  private fill(): pulumi.Output<readonly FilledFile[]> {
    this.filled ??= fillFiles(this.fileList as pulumi.Output<readonly GatewayFile[]>, this.sources);
    return this.filled;
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
    const upstream = new Map<string, pulumi.Output<string>>();
    const clientAuth = new Map<string, pulumi.Output<string>>();
    for (const entry of entries) {
      const { authorities } = entry;
      if (authorities.upstream !== undefined) upstream.set(entry.name, pulumi.output(authorities.upstream));
      if (authorities.clientAuth !== undefined) clientAuth.set(entry.name, pulumi.output(authorities.clientAuth));
      if (entry.certificate !== undefined) {
        addSource(certificate, entry.certificate.resourceName, entry.certificate, name);
      }
      if (entry.ca === undefined) continue;
      addSource(ca, entry.ca.resourceName, entry.ca, name);
      const issued = entry.leaf ?? this.issueLeaf(entry.ca, `${name}-${entry.name}-leaf`, entry.name);
      leaf.set(entry.name, issued);
    }
    return { certificate, leaf, ca, upstream, clientAuth };
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

/** One site of the arguments, with the resources that it refers to. */
interface Entry {
  readonly name: string;
  readonly data: unknown;
  readonly certificate?: GatewayCertificate;
  readonly leaf?: GatewayCertificate;
  readonly ca?: SelfSignedCA;
  readonly authorities: SiteAuthorities;
}

function readEntry(entry: Site | GatewaySiteArgs): Entry {
  if (!Site.isInstance(entry)) return { ...readSiteArgs(entry.name, entry), name: entry.name };
  const { spec, certificate, leaf, ca, siteName, authorities } = entry;
  return {
    name: siteName,
    data: spec,
    authorities,
    ...(ca === undefined ? certificate !== undefined && { certificate } : { ca, ...(leaf !== undefined && { leaf }) }),
  };
}

/**
 * Sites as one text: as nested properties, 10,000 of them would take the engine half a minute a preview. Only entries
 * that hold outputs are waited for; the others are written at once.
 */
function renderSitesText(entries: readonly unknown[]): pulumi.Input<string> {
  const texts = entries.map((entry) => (holdsOutputs(entry) ? undefined : JSON.stringify(entry)));
  const waited = entries.filter((_, index) => texts[index] === undefined);
  if (waited.length === 0) return joinTexts(texts as string[]);
  return pulumi.all(waited).apply((values) => {
    const rest = values.values();
    return joinTexts(texts.map((text) => text ?? JSON.stringify(rest.next().value)));
  });
}

function joinTexts(texts: readonly string[]): string {
  return `[${texts.join(",\n")}]`;
}

function holdsOutputs(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (pulumi.Output.isInstance(value) || value instanceof Promise || pulumi.Resource.isInstance(value)) return true;
  return Object.values(value).some(holdsOutputs);
}
