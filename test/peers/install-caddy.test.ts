import { describe } from "vitest";
import { distributionCaddy } from "../support/gateway-server-caddy";
import { installedCaddy } from "../support/install-server-caddy";
import { installTrial } from "../support/install-trial";
import { describeWithPeer } from "../support/peer";

describeWithPeer("caddy", (caddy) => installTrial(installedCaddy(caddy)));

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => installTrial(installedCaddy(older)));
