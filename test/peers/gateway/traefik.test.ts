import { gatewayFeatures } from "../../support/gateway/features";
import { traefikServer } from "../../support/gateway/server-traefik";
import { describeWithPeer } from "../../support/peer";

describeWithPeer("traefik", (traefik) => gatewayFeatures(traefikServer(traefik)), { isOptional: true });
