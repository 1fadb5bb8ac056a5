import { describe } from "vitest";
import { gatewayFeatures } from "../support/gateway-features";
import { caddyServer, distributionCaddy } from "../support/gateway-server-caddy";
import { describeWithPeer } from "../support/peer";

describeWithPeer("caddy", (caddy) => gatewayFeatures(caddyServer(caddy)));

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => gatewayFeatures(caddyServer(older)));
