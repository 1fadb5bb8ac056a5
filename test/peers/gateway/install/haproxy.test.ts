import { installedHaproxy } from "../../../support/install/server-haproxy";
import { installTrial } from "../../../support/install/trial";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("haproxy", (haproxy) => installTrial(installedHaproxy(haproxy), "busybox"));
