import { TlsError } from "../errors";
import { renderQuoted } from "../text/quoted";
import { apacheResponder } from "./apache/responder";
import { caddyResponder } from "./caddy/responder";
import { envoyResponder } from "./envoy/responder";
import { haproxyResponder } from "./haproxy/responder";
import { contentHash, type InstallFile } from "./install/plan";
import { renderInstallScript, renderRemoveScript } from "./install/script";
import { type GatewayKindName, gatewayKinds } from "./kinds";
import type { FirewallPort, GatewayCommands, GatewayInstall, GatewayKind } from "./model/kind";
import { nginxResponder } from "./nginx/responder";
import type { ProxyOptions } from "./proxy/options";
import { parseResponder, type ResponderInput } from "./responder/input";
import type { Responder, ResponderKind, ResponderTexts } from "./responder/kind";
import { ACCOUNTS_FILE, afterGateway, provingReload, renderAccounts } from "./responder/script";

export type { ResponderInput } from "./responder/input";

/** Every kind of server that answers http-01 by its configuration alone. */
export const responderKinds = {
  nginx: nginxResponder,
  haproxy: haproxyResponder,
  caddy: caddyResponder,
  apache: apacheResponder,
  envoy: envoyResponder,
} as const;

/** The names of these kinds. */
export type ResponderKindName = keyof typeof responderKinds;

/** Why the other kinds of gateways are none, and what to do. */
const refusals: Readonly<Record<Exclude<GatewayKindName, ResponderKindName>, readonly [reason: string, hint: string]>> =
  {
    traefik: [
      "traefik has no rule whose answer holds a part of the path",
      "Send PathPrefix(`/.well-known/acme-challenge/`) on to a responder of kind nginx, haproxy, caddy or apache on another port, or prove the names by dns-01.",
    ],
    cells: [
      "cells writes the rules of its own web server, which has none for a text of ours",
      "Let the site ask for its certificate by itself (tls.letsEncrypt), put a proxy with a responder before it, or prove the names by dns-01.",
    ],
    kubernetes: [
      "neither the Gateway API nor an Ingress has a rule whose answer holds a part of the path",
      "Route /.well-known/acme-challenge/ to a Deployment of nginx or caddy with the configuration of such a responder, or prove the names by dns-01.",
    ],
  };

/**
 * The kind of this name.
 * @throws TlsError GATEWAY_INVALID: there is none, with the reason
 */
export function findResponderKind(name: unknown): ResponderKind<unknown> {
  if (typeof name === "string" && Object.hasOwn(responderKinds, name)) {
    return responderKinds[name as ResponderKindName] as unknown as ResponderKind<unknown>;
  }
  if (typeof name === "string" && Object.hasOwn(refusals, name)) {
    const [reason, hint] = refusals[name as keyof typeof refusals];
    throw new TlsError("GATEWAY_INVALID", `kind: ${reason}, so it can't answer http-01 by its configuration alone`, {
      hint,
    });
  }
  const found = typeof name === "string" ? renderQuoted(name) : typeof name;
  throw new TlsError("GATEWAY_INVALID", `kind: found ${found}, expected ${Object.keys(responderKinds).join(", ")}`, {
    hint: "Name the server that listens on port 80.",
  });
}

/** Everything that a server needs to answer http-01 by itself. */
export interface ResponderRendering {
  /** The configuration: needs no certificate, holds no secret. */
  readonly configuration: string;
  /** Where the server looks for it: the option `configFile`, of Envoy the path of its packages. */
  readonly path: string;
  /** The configuration, and what it names or needs beside: absolute path -> text, to place without the script. */
  readonly files: Readonly<Record<string, string>>;
  readonly installScript: string;
  readonly removeScript: string;
  /** Hex, 64 digits: changes when the script has something to do. */
  readonly contentHash: string;
  readonly commands: GatewayCommands;
  readonly firewallPorts: readonly FirewallPort[];
  readonly notes: readonly string[];
}

/** The Pulumi name in messages of the scripts. */
const GATEWAY = "acme-responder";

/**
 * A responder as texts.
 *
 * @param options of the gateway of this kind; `directory` and `configFile` have defaults of their own where both lie side by side
 * @throws TlsError GATEWAY_INVALID naming the property
 */
export function renderResponder(
  kindName: ResponderKindName,
  input: ResponderInput,
  given: unknown,
): ResponderRendering {
  const kind = findResponderKind(kindName);
  const server = gatewayKinds[kindName] as unknown as GatewayKind<ProxyOptions>;
  const options = server.parseOptions(withDefaults(given, kind));
  const responder = parseResponder(input, options);
  const texts = kind.render(responder, options);
  const plain = installOf(server, options);
  const install = { ...plain, reload: provingReload(plain.reload, responder, kind.isReplaced?.(responder)) };
  const files = installFiles(texts, install, responder);
  const hash = contentHash({ kind: kindName, install, files });
  const script = renderInstallScript({ gateway: GATEWAY, kind: kindName, install, files, contentHash: hash });
  const paths = files.map(({ path }) => path);
  // the server is told while the set is still there, and answers no more
  const removal = renderRemoveScript({ gateway: GATEWAY, kind: kindName, install: plain, paths });
  const { directory, configurationFile } = install;
  const guard = (text: string, what: "install" | "remove"): string =>
    kind.placement === "beside" ? text : afterGateway(text, what, directory, configurationFile, responder);
  return {
    configuration: texts.configuration,
    path: install.entries[0]?.path ?? "",
    files: placedFiles(texts, install),
    // a gateway's script holds keys
    installScript: guard(script.replace(" Holds private keys.", ""), "install"),
    removeScript: guard(removal, "remove"),
    contentHash: hash,
    commands: server.commands([], options),
    firewallPorts: firewallPorts(responder),
    notes: [...notes(kind, install, responder), ...kind.notes(responder, options)],
  };
}

function withDefaults(given: unknown, { defaults }: ResponderKind<unknown>): unknown {
  return typeof given === "object" && given !== null && !Array.isArray(given)
    ? { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
    : (given ?? defaults);
}

function installOf(server: GatewayKind<ProxyOptions>, options: ProxyOptions): GatewayInstall {
  const install = server.install?.([], options);
  if (install === undefined) throw new TypeError(`nothing is installed for kind ${server.kind}`);
  return { ...install, probes: [] };
}

function installFiles(
  { configuration, texts = {} }: ResponderTexts,
  { directory, configurationFile }: GatewayInstall,
  { accounts }: Responder,
): readonly InstallFile[] {
  const current = `${directory}/current`;
  const all = {
    [`${current}/${configurationFile}`]: configuration,
    [`${current}/${ACCOUNTS_FILE}`]: renderAccounts(accounts),
    ...texts,
  };
  return Object.entries(all).map(([path, content]) => ({ path, content, mode: "0644", isSecret: false }));
}

/** Without what judges a set: the script alone needs it. */
function placedFiles(
  { configuration, texts = {} }: ResponderTexts,
  { directory, configurationFile, entries }: GatewayInstall,
): Readonly<Record<string, string>> {
  const inSet = (file: string) => (file === configurationFile ? configuration : texts[`${directory}/current/${file}`]);
  const outside = entries.map(({ path, file }) => [path, inSet(file) ?? ""] as const);
  const named = Object.entries(texts).filter(([path]) => configuration.includes(path));
  return Object.fromEntries([...outside, ...named]);
}

function firewallPorts({ port, addresses }: Responder): readonly FirewallPort[] {
  if (addresses.every((address) => address === "::1" || address.startsWith("127."))) return [];
  return [
    { port, protocol: "tcp", reason: "challenges http-01: CAs ask from anywhere, over IPv4 and IPv6", sites: [] },
  ];
}

function notes(
  { placement }: ResponderKind<unknown>,
  { directory }: GatewayInstall,
  { port }: Responder,
): readonly string[] {
  return [
    ...(port === 80 ? [] : [`CAs ask on port 80 alone: port ${port} must be what port 80 is forwarded to.`]),
    ...(placement === "beside"
      ? []
      : [
          `The server reads one configuration: a gateway that is installed in ${directory} takes the responder's place, and answers if it has options.acmeThumbprint. The responder's script then finds nothing to do.`,
        ]),
  ];
}
