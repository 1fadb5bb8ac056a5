import { Gateway, SelfSignedCA, Site } from "pulumi-tls-gateway";

const ca = new SelfSignedCA("local");

// Before a Service of the cluster: its certificate becomes a Secret, and plain HTTP is sent on to https.
const files = new Site("files", {
  binds: ["files.example.com:443"],
  tls: { selfSigned: { ca } },
  redirectToHttps: true,
  hsts: true,
  headers: [{ on: "response", action: "remove", name: "Server" }],
  upstream: { url: "http://files:8080" },
});

const gateway = new Gateway("gateway", {
  kind: "kubernetes",
  // what runs the Gateway: `kubectl get gatewayclass` lists the names
  options: { gatewayClassName: "envoy", namespace: "edge" },
  sites: [
    files,
    // Before a machine outside the cluster: an address becomes a Service of its own. Only two paths are served.
    {
      name: "status",
      binds: ["status.example.com:80"],
      tls: "disabled",
      upstream: { url: "http://10.0.0.9:3000" },
      routing: [
        { route: "/api", effect: "allow" },
        { route: "/health", effect: "allow" },
      ],
    },
  ],
});

// Secrets with keys are among them: the output is one, and shown by `--show-secrets` alone
export const objects = gateway.kubernetesObjects;
// the same without the Secrets, as text
export const configuration = gateway.configuration;
export const notes = gateway.notes;
export const renewals = gateway.renewals;
