import { gatewayFeatures } from "../../support/gateway/features";
import { apacheServer } from "../../support/gateway/server-apache";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("apache2", (apache) => gatewayFeatures(apacheServer(apache)));
