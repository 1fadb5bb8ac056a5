// FROZEN: the text in every user's state requires these exports of pulumi-tls-gateway/provider by name. Add, never
// rename or remove; test/packaging/frozen.test.ts compares them to the letter.
import { createDynamicProvider, type DynamicProvider } from "./adapter/dynamic-provider";
import type { Lifecycle } from "./lifecycle/lifecycle";

/** Runs {@link SelfSignedCA} in Pulumi's dynamic-provider process. */
export const selfSignedCa: DynamicProvider = lazily(() => require("./lifecycle/local/self-signed-ca").selfSignedCa);

/** Runs {@link LeafCertificate} in Pulumi's dynamic-provider process. */
export const leafCertificate: DynamicProvider = lazily(
  () => require("./lifecycle/local/leaf-certificate").leafCertificate,
);

/** Runs {@link CertificateChain} in Pulumi's dynamic-provider process. */
export const certificateChain: DynamicProvider = lazily(
  () => require("./lifecycle/chain/certificate-chain").certificateChain,
);

/** Runs {@link Site} in Pulumi's dynamic-provider process. */
export const site: DynamicProvider = lazily(() => require("./lifecycle/site/site").site);

/** Runs {@link Gateway} in Pulumi's dynamic-provider process. */
export const gateway: DynamicProvider = lazily(() => require("./lifecycle/site/gateway").gateway);

/** Runs {@link AcmeAccount} in Pulumi's dynamic-provider process. */
export const acmeAccount: DynamicProvider = lazily(() => require("./lifecycle/acme/account").acmeAccount);

/** Runs {@link AcmeCertificate} in Pulumi's dynamic-provider process. */
export const acmeCertificate: DynamicProvider = lazily(() => require("./lifecycle/acme/certificate").acmeCertificate);

/** Runs {@link AcmeOrder} in Pulumi's dynamic-provider process. */
export const acmeOrder: DynamicProvider = lazily(() => require("./lifecycle/acme/order").acmeOrder);

/** A kind is loaded with its libraries when a resource of it first needs it. */
function lazily(load: () => Lifecycle): DynamicProvider {
  return createDynamicProvider(load);
}
