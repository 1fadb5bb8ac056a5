import { gatewayFeatures } from "../../support/gateway/features";
import { nginxServer } from "../../support/gateway/server-nginx";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("nginx", (nginx) => gatewayFeatures(nginxServer(nginx)));
