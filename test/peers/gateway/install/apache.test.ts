import { installedApache } from "../../../support/install/server-apache";
import { installTrial } from "../../../support/install/trial";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("apache2ctl", (apache2ctl) => installTrial(installedApache(apache2ctl), "dash"));
