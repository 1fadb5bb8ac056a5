import { installedHaproxy } from "../../../support/install-server-haproxy";
import { describeWithPeer } from "../../../support/peer";
import { responderTrial } from "../../../support/responder-trial";

describeWithPeer("haproxy", (haproxy) => responderTrial(installedHaproxy(haproxy)));
