import * as core from "@pulumi/kubernetes/core/v1";
import { Provider } from "@pulumi/kubernetes/provider";
import { AcmeAccount, AcmeCertificate } from "pulumi-tls-gateway";

const account = new AcmeAccount("letsencrypt", {
  // when that works: "letsencrypt"
  directory: "letsencrypt-staging",
  contacts: ["ops@example.com"],
  acceptTermsOfService: true,
});

// By standing records, as standing-records.ts makes them; any other challenge does as well.
const certificate = new AcmeCertificate("web", {
  account,
  hostnames: ["web.example.com"],
  challenge: { type: "dns-persist-01" },
});

// it is undefined where the certificate is of a request of your own (certificateRequestPem)
const privateKeyPem = certificate.privateKeyPem.apply((key) => key ?? "");

// Without it a renewal deletes the Secret and makes it anew, since by default this provider takes Secrets for immutable; what
// serves it would be without a certificate in between. The cluster is that of the current kubeconfig.
const provider = new Provider("cluster", { enableSecretMutable: true });

new core.Secret(
  "web",
  {
    // a name of its own, as Ingresses and Gateways refer to it
    metadata: { name: "web-tls", namespace: "default" },
    type: "kubernetes.io/tls",
    // the key is a secret in the state, and so is what is made of it
    stringData: { "tls.crt": certificate.fullChainPem, "tls.key": privateKeyPem },
  },
  { provider },
);
