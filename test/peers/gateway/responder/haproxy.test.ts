import { responderTrial } from "../../../support/gateway/responder-trial";
import { installedHaproxy } from "../../../support/install/server-haproxy";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("haproxy", (haproxy) => responderTrial(installedHaproxy(haproxy)));
