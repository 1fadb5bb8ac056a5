import { describe } from "vitest";
import { gatewayFeatures } from "../../support/gateway/features";
import { caddyServer, distributionCaddy } from "../../support/gateway/server-caddy";
import { describeWithPeer } from "../../support/peer";
import { isLong } from "../../support/tier";

describeWithPeer("caddy", (caddy) => gatewayFeatures(caddyServer(caddy)));

const older = distributionCaddy();
// 2.6 and 2.11 differ in little: the whole list on the older one is for the long tier
if (older !== undefined && isLong) describe("with the distribution's caddy", () => gatewayFeatures(caddyServer(older)));
