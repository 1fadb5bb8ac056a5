import { Gateway, SelfSignedCA } from "pulumi-tls-gateway";

const ca = new SelfSignedCA("local");

const gateway = new Gateway("caddy", {
  kind: "caddy",
  options: { version: "2.11" },
  sites: [
    // Caddy asks Let's Encrypt by itself. Rehearse at staging; then leave `staging` away.
    {
      name: "shop",
      binds: ["shop.example.com:443"],
      tls: { letsEncrypt: { email: "ops@example.com", acceptEula: true, staging: true } },
      redirectToHttps: true,
      upstream: { url: "http://127.0.0.1:8080" },
    },
    // Caddy makes a certificate of its own root: for development.
    {
      name: "wiki",
      binds: ["wiki.localhost:443"],
      tls: { selfSigned: {} },
      upstream: { url: "http://127.0.0.1:8081" },
    },
    // A certificate that we place, renewed by `pulumi up`; answers in gRPC too.
    {
      name: "api",
      binds: ["api.example.com:443"],
      tls: { selfSigned: { ca } },
      upstream: { url: "http://127.0.0.1:8082", grpc: true },
      routing: [
        { route: "/v1", effect: "allow" },
        { route: "/v1/internal", effect: "deny" },
      ],
    },
  ],
});

export const { configuration, readableConfiguration, firewallPorts, renewals, contentHash, installScript, notes } =
  gateway;
