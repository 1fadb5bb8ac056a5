import { apache } from "./apache/apache";
import { caddy } from "./caddy/caddy";
import { cells } from "./cells/cells";
import { envoy } from "./envoy/envoy";
import { haproxy } from "./haproxy/haproxy";
import { kubernetes } from "./kubernetes/kubernetes";
import { nginx } from "./nginx/nginx";
import { traefik } from "./traefik/traefik";

/** Every kind of gateway. A new kind is one new file and one line here. */
export const gatewayKinds = { cells, nginx, haproxy, caddy, apache, traefik, envoy, kubernetes } as const;

/** The names of the kinds. */
export type GatewayKindName = keyof typeof gatewayKinds;

/** The options of a kind, with their defaults. */
export type GatewayOptions<Kind extends GatewayKindName> = ReturnType<(typeof gatewayKinds)[Kind]["parseOptions"]>;
