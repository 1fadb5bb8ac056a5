import { installedApache } from "../../../support/install-server-apache";
import { describeWithPeer } from "../../../support/peer";
import { responderTrial } from "../../../support/responder-trial";

describeWithPeer("apache2ctl", (apache2ctl) => responderTrial(installedApache(apache2ctl)));
