import { Gateway, SelfSignedCA, Site } from "pulumi-tls-gateway";

const ca = new SelfSignedCA("local");

// Said once, whatever serves them.
const sites = [
  new Site("shop", {
    binds: ["shop.example.com:443"],
    tls: { selfSigned: { ca } },
    redirectToHttps: true,
    hsts: true,
    headers: [{ on: "response", action: "set", name: "X-Frame-Options", value: "DENY" }],
    upstream: { url: "http://10.0.0.1:8080" },
  }),
  new Site("intranet", {
    binds: ["intranet.example.com:443"],
    tls: { selfSigned: { ca } },
    clientAuth: { caPem: ca.certPem },
    maintenance: { except: ["10.0.0.0/8"], retryAfterSeconds: 600 },
    upstream: { url: "https://10.0.0.2:8443", serverName: "intranet.internal", rootCaPem: ca.certPem },
  }),
];

const gateways = {
  nginx: new Gateway("nginx", { kind: "nginx", sites }),
  haproxy: new Gateway("haproxy", { kind: "haproxy", sites }),
  caddy: new Gateway("caddy", { kind: "caddy", sites }),
};

export const nginx = gateways.nginx.configuration;
export const haproxy = gateways.haproxy.configuration;
export const caddy = gateways.caddy.configuration;
// one certificate a site, whichever gateway serves it
export const { renewals, firewallPorts } = gateways.nginx;
export const contentHashes = Object.values(gateways).map(({ contentHash }) => contentHash);
