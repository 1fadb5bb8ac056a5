// The programs whose states every release records. Frozen: add a program, never change one, or the states of past
// releases would show changes of the program and not of the product.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CertificateChain, Gateway, LeafCertificate, SelfSignedCA, Site } from "pulumi-tls-gateway";
import { programFolder } from "./engine";

/** A folder for each release, with a state for each program; `certs` is what the programs read. */
export const statesFolder = join(programFolder, "test/vectors/states");

const read = (file: string) => readFileSync(join(statesFolder, "certs", file), "utf8");

/** What each program makes, by its name. */
export const recordedPrograms: Readonly<Record<string, () => void>> = {
  certificates() {
    new SelfSignedCA("plain");
    const ca = new SelfSignedCA("constrained", {
      subject: { organization: "Example", commonName: "Recorded Root" },
      keyType: "P384",
      validityDays: 1000,
      nameConstraints: { permittedDnsDomains: ["internal"], permittedIpRanges: ["10.0.0.0/8"] },
      minDaysRemaining: 100,
    });
    const adopted = new SelfSignedCA("adopted", {
      certPem: read("adopted.pem"),
      privateKeyPem: read("adopted-key.pem"),
    });
    ca.issue("server", { hostnames: ["www.internal", "10.0.0.5", "*.bücher.internal"] });
    ca.issue("client", {
      hostnames: ["client.internal"],
      usage: "client",
      keyType: "Ed25519",
      validityDays: 30,
      subject: { commonName: "client" },
    });
    ca.issue("requested", { certificateRequestPem: read("request.pem") });
    new LeafCertificate("by-adopted", { ca: adopted, hostnames: ["mail@example.com", "https://example.com/"] });
    new CertificateChain("full", {
      certPem: read("the_certificate.crt"),
      issuerPem: read("intermediate_cert.crt"),
      privateKeyPem: read("the_certificate.key"),
      roots: read("root.crt"),
      hostnames: ["shop.example.com"],
    });
    new CertificateChain("bare", { certPem: read("intermediate_cert.crt") + read("the_certificate.crt") });
  },

  sites() {
    const ca = new SelfSignedCA("ca");
    const certificate = ca.issue("leaf", { hostnames: ["leaf.internal"] });
    const whole = new Site("whole", {
      binds: ["whole.example.com:8080", "other.example.com:8080"],
      hostnames: ["whole.example.com"],
      tls: "disabled",
      redirectToHttps: false,
      headers: [{ on: "response", action: "set", name: "X-Frame-Options", value: "DENY" }],
      routing: [
        { route: "public", effect: "allow", rewrite: "/p" },
        { route: "*", effect: "deny" },
      ],
      maintenance: { except: ["10.0.0.0/8"], conditions: ["not path /public/*"] },
      grpcPort: 33061,
    });
    const sites = [
      whole,
      new Site("leaf-site", { binds: ["leaf.internal:443"], tls: { certificate }, redirectToHttps: true }),
      new Site("self-signed", {
        binds: ["0.0.0.0:8443"],
        hostnames: ["self.internal"],
        externalUrl: "https://self.example.com",
        tls: { selfSigned: { ca } },
      }),
      { name: "data", binds: ["data.internal:8444"], tls: { selfSigned: { ca } } },
      {
        name: "placed",
        binds: ["placed.example.com:8445"],
        tls: { certificate: { certFile: "/etc/placed.pem", keyFile: "/etc/placed.key" } },
      },
      {
        name: "encrypted",
        binds: ["encrypted.example.com:443"],
        tls: { letsEncrypt: { email: "admin@example.com", acceptEula: true, staging: true } },
      },
    ];
    new Gateway("five", { kind: "cells", sites, options: { version: "5", workingDirectory: "/srv/cells" } });
    new Gateway("four", { kind: "cells", sites: [{ name: "plain", binds: ["plain.internal:8080"], tls: "disabled" }] });
  },
};
