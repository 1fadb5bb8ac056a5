import { installedNginx } from "../../../support/install/server-nginx";
import { installTrial } from "../../../support/install/trial";
import { describeWithPeer } from "../../../support/peer";

describeWithPeer("nginx", (nginx) => installTrial(installedNginx(nginx), "dash"));
