import * as pulumi from "@pulumi/pulumi";
import type { AcmeAccount } from "./acme/account";

/** What an order needs of the account that places it; an {@link AcmeAccount} has it all. */
export type OrderingAccount = Pick<
  AcmeAccount,
  | "accountUrl"
  | "accountKeyPem"
  | "directoryUrl"
  | "rehearsalDirectoryUrl"
  | "rehearsalAccountKeyPem"
  | "caBundlePem"
  | "requestTimeoutSeconds"
>;

/** What of an account travels with each order: who it is, and how the CA is reached. */
export function accountProperties(account: OrderingAccount): Record<string, unknown> {
  return {
    accountUrl: account.accountUrl,
    accountKeyPem: pulumi.secret(account.accountKeyPem),
    directoryUrl: account.directoryUrl,
    caBundlePem: account.caBundlePem,
    requestTimeoutSeconds: account.requestTimeoutSeconds,
  };
}
