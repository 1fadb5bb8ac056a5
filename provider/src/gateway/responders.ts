import { TlsError } from "../errors";
import { renderQuoted } from "../text/quoted";
import { apacheResponder } from "./apache/responder";
import { caddyResponder } from "./caddy/responder";
import { envoyResponder } from "./envoy/responder";
import { haproxyResponder } from "./haproxy/responder";
import type { GatewayKindName } from "./kinds";
import { nginxResponder } from "./nginx/responder";
import type { ResponderKind } from "./responder/kind";

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
