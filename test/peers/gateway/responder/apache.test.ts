import { responderTrial } from "../../../support/gateway/responder-trial";
import { installedApache } from "../../../support/install/server-apache";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("apache2ctl", (apache2ctl) => responderTrial(installedApache(apache2ctl)));
