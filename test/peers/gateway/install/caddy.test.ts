import { describe } from "vitest";
import { distributionCaddy } from "../../../support/gateway/server-caddy";
import { installedCaddy } from "../../../support/install/server-caddy";
import { installTrial } from "../../../support/install/trial";
import { describeWithPeer } from "../../../support/peer";
import { isLong } from "../../../support/tier";

describeWithPeer("caddy", (caddy) => installTrial(installedCaddy(caddy), "busybox"));

const older = distributionCaddy();
if (older !== undefined && isLong) {
  describe("with the distribution's caddy", () => installTrial(installedCaddy(older), "dash"));
}
