import { describe } from "vitest";
import { distributionCaddy } from "../../../support/gateway-server-caddy";
import { installedCaddy } from "../../../support/install-server-caddy";
import { describeWithPeer } from "../../../support/peer";
import { responderTrial } from "../../../support/responder-trial";

describeWithPeer("caddy", (caddy) => responderTrial(installedCaddy(caddy)));

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => responderTrial(installedCaddy(older)));
