import { gatewayFeatures } from "../../support/gateway/features";
import { haproxyServer } from "../../support/gateway/server-haproxy";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("haproxy", (haproxy) => gatewayFeatures(haproxyServer(haproxy)));
