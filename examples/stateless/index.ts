import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate, acmeResponder, Gateway, Site } from "pulumi-tls-gateway";
import { describeNginx, mainFile } from "../nginx-front/nginx.ts";
import { ServerCommand } from "./server-command.ts";

const config = new pulumi.Config();
const caBundle = config.get("caBundle");
const dnsAddress = config.get("dnsAddress");
const httpPort = config.requireNumber("httpPort");
const httpsPort = config.requireNumber("httpsPort");
const folder = resolve("nginx");
// Let's Encrypt: your name, which leads to the server.
const hostname = "files.example.com";

const account = new AcmeAccount("ca", {
  // Let's Encrypt: "letsencrypt-staging"; when that works, "letsencrypt" (in Pulumi.yaml).
  directory: config.require("directory"),
  // Let's Encrypt: not needed, its server is trusted by Node. A CA of your own: what it is verified by.
  ...(caBundle !== undefined && { caBundlePem: readFileSync(caBundle, "utf8") }),
  // Let's Encrypt: your address.
  contacts: ["ops@example.com"],
  // You have read what the CA asks for: the output termsOfServiceUrl.
  acceptTermsOfService: true,
});

// An nginx of its own, in this folder. On a server: its versions alone, the commands are systemctl's by default.
const nginx = {
  ...describeNginx(),
  checkCommand: `nginx -t -q -e stderr -p '${folder}' -c ${mainFile}`,
  reloadCommand: `nginx -s reload -e stderr -p '${folder}' -c ${mainFile}`,
};

// 1. nginx answers every http-01 challenge of the account, by the thumbprint of its key, and has no certificate yet.
const responder = acmeResponder({
  kind: "nginx",
  account,
  // On a server: without these two, it is port 80 of all addresses.
  port: httpPort,
  addresses: ["127.0.0.1"],
  redirect: httpsPort,
  // On a server: without the two paths, the files are in /etc/nginx.
  options: {
    ...nginx,
    directory: `${folder}/acme-responder`,
    configFile: `${folder}/conf.d/zz-acme-responder.conf`,
  },
});
// On a server: new command.remote.Command("responder", { connection, create: "sh", stdin: responder.installScript })
const answering = new ServerCommand("responder", { create: "sh", stdin: responder.installScript });

// 2. The certificate. Nothing is placed for it, and nothing listens for it, neither now nor at a renewal.
const certificate = new AcmeCertificate(
  "files",
  {
    account,
    hostnames: [hostname],
    challenge: {
      type: "http-01",
      via: "gateway",
      // Let's Encrypt: without these two, the name is asked on port 80 by the resolvers of this machine.
      port: httpPort,
      ...(dnsAddress !== undefined && { resolvers: [dnsAddress] }),
    },
  },
  { dependsOn: [answering] },
);

// 3. The site, with the certificate. Port 80 stays the responder's, which sends on to https all that is no challenge. Where a
// site is to listen there itself (redirectToHttps), give the gateway the option acmeThumbprint: account.thumbprint.
const gateway = new Gateway("nginx", {
  kind: "nginx",
  sites: [
    new Site("files", {
      // On a server: [`${hostname}:443`].
      binds: [`127.0.0.1:${httpsPort}`],
      hostnames: [hostname],
      tls: { certificate },
      upstream: { url: `http://127.0.0.1:${config.requireNumber("appPort")}` },
    }),
  ],
  options: {
    ...nginx,
    // On a server: without these two.
    directory: `${folder}/tls-gateway`,
    configFile: `${folder}/conf.d/tls-gateway.conf`,
  },
});
// The script holds the key, and is a secret. On a server as above.
const deployed = new ServerCommand("gateway", { create: "sh", stdin: gateway.installScript });

export const { thumbprint } = account;
export const { serialNumber, validatedBy } = certificate;
export const { renewals } = gateway;
export const answers = responder.configuration;
export const installed = pulumi.all([answering.stdout, deployed.stdout]).apply((texts) => texts.join(""));
