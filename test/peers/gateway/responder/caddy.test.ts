import { describe } from "vitest";
import { responderTrial } from "../../../support/gateway/responder-trial";
import { distributionCaddy } from "../../../support/gateway/server-caddy";
import { installedCaddy } from "../../../support/install/server-caddy";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("caddy", (caddy) => responderTrial(installedCaddy(caddy)));

const older = distributionCaddy();
if (older !== undefined) describe("with the distribution's caddy", () => responderTrial(installedCaddy(older)));
