import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Gateway, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { describeNginx, mainFile } from "./nginx.ts";

const config = new pulumi.Config();
const port = config.requireNumber("port");
const httpPort = config.requireNumber("httpPort");
const cellsPort = config.requireNumber("cellsPort");
const folder = resolve("nginx");

// One local root: of Cells, which nginx verifies by it, and here of the public side too. There, an AcmeCertificate stands.
const ca = new SelfSignedCA("local");

const cells = new Gateway("cells", {
  kind: "cells",
  sites: [
    new Site("cells", {
      binds: [`0.0.0.0:${cellsPort}`],
      hostnames: ["cells.internal"],
      externalUrl: `https://files.example.com:${port}`,
      tls: { selfSigned: { ca } },
    }),
  ],
});

const nginx = new Gateway("nginx", {
  kind: "nginx",
  sites: [
    new Site("files", {
      binds: [`127.0.0.1:${port}`],
      hostnames: ["files.example.com"],
      tls: { certificate: ca.issue("files", { hostnames: ["files.example.com"] }) },
      redirectToHttps: true,
      hsts: true,
      // all that Cells needs of a proxy, with its certificate verified rather than taken as it is
      upstream: {
        kind: "cells",
        url: `https://127.0.0.1:${cellsPort}`,
        serverName: "cells.internal",
        rootCaPem: ca.certPem,
      },
    }),
  ],
  options: {
    ...describeNginx(),
    httpPort,
    // an nginx of its own, in this folder. On a server, leave these four away
    directory: `${folder}/tls-gateway`,
    configFile: `${folder}/conf.d/tls-gateway.conf`,
    checkCommand: `nginx -t -q -e stderr -p '${folder}' -c ${mainFile}`,
    reloadCommand: `nginx -s reload -e stderr -p '${folder}' -c ${mainFile}`,
  },
});

export const { configuration, firewallPorts, renewals, contentHash, installScript } = nginx;
// no secret, but long
export const removeScript = pulumi.secret(nginx.removeScript);
export const cellsFiles = cells.files;
export const rootCaPem = ca.certPem;
