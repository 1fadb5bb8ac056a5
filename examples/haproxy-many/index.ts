import { Gateway, type GatewaySiteArgs, SelfSignedCA } from "pulumi-tls-gateway";

// The root of the sites' certificates; of public sites, each would have an AcmeCertificate.
const ca = new SelfSignedCA("sites", { nameConstraints: { permittedDnsDomains: ["example.com"] } });
// The root of the people who may see the two that are closed, and the certificate of one of them.
const people = new SelfSignedCA("people");
const ada = people.issue("ada", { usage: "client", hostnames: ["ada@example.com"] });

// One certificate for all: a wildcard covers one label. Each site is plain data, and costs the engine nothing.
const certificate = ca.issue("wildcard", { hostnames: ["*.example.com"] });
const closed = ["payroll", "audit"];
const sites = Array.from({ length: 50 }, (_, index): GatewaySiteArgs => {
  const name = closed[index] ?? `team-${String(index + 1).padStart(2, "0")}`;
  return {
    name,
    binds: [`${name}.example.com:443`],
    tls: { certificate },
    redirectToHttps: true,
    hsts: true,
    upstream: { url: `http://10.0.0.${index + 1}:8080` },
    ...(closed.includes(name) && { clientAuth: { caPem: people.certPem } }),
  };
});

const gateway = new Gateway("haproxy", { kind: "haproxy", sites, options: { version: "2.6", opensslVersion: "3.0" } });

export const { configuration, firewallPorts, renewals, contentHash, installScript } = gateway;
export const texts = gateway.configurationTexts;
export const files = gateway.files;
export const certificateOfAda = ada.fullChainPem;
