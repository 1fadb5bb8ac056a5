// The suite for every kind of gateway: what a site can ask for, tried by real requests to the real server, started from what
// our renderer emits. What a kind can't do is skipped by its own table, with its reason.
import { afterAll, beforeAll, describe } from "vitest";
import { failureFeatures } from "./features-failures";
import { forgeryFeatures } from "./features-forgery";
import { handshakeFeatures } from "./features-handshake";
import { headerFeatures } from "./features-headers";
import { hostFeatures } from "./features-hosts";
import { neighbourFeatures } from "./features-neighbours";
import { octetFeatures } from "./features-octets";
import { proxyProtocolFeatures } from "./features-proxy-protocol";
import { routingFeatures } from "./features-routing";
import { tunnelFeatures } from "./features-tunnels";
import { upstreamFeatures } from "./features-upstream";
import type { GatewayServer } from "./server";
import { GatewayTrial } from "./trial";

/** Declares all tests of a server. */
export function gatewayFeatures(server: GatewayServer): void {
  const trial = new GatewayTrial(server);
  beforeAll(() => trial.start());
  afterAll(() => trial.stop());
  const parts = {
    "the handshake": handshakeFeatures,
    "hosts and redirects": hostFeatures,
    headers: headerFeatures,
    "routing and maintenance": routingFeatures,
    upstreams: upstreamFeatures,
    "what passes as it is": octetFeatures,
    "sites beside each other": neighbourFeatures,
    "upstreams that fail": failureFeatures,
    tunnels: tunnelFeatures,
    "requests that forge something": forgeryFeatures,
    "the PROXY protocol": proxyProtocolFeatures,
  };
  for (const [name, declare] of Object.entries(parts)) describe(name, () => declare(trial));
}
