import { z } from "zod";
import { texts } from "../decoder";
import { accountKeyTypes } from "./account-inputs";

/** Inputs that the state keeps. */
const shown = {
  directory: z.string().exactOptional(),
  directoryUrl: z.string(),
  rehearsalDirectory: z.string().exactOptional(),
  rehearsalDirectoryUrl: z.string().exactOptional(),
  contacts: texts.exactOptional(),
  accountKeyPem: z.string().exactOptional(),
  thumbprint: z.string().exactOptional(),
  keyType: z.enum(accountKeyTypes).exactOptional(),
  caBundlePem: z.string().exactOptional(),
  requestTimeoutSeconds: z.number().exactOptional(),
  linkOrigins: texts.exactOptional(),
  issuerDomainName: z.string().exactOptional(),
  recordsUntil: z.string().exactOptional(),
  deactivateOnDestroy: z.boolean().exactOptional(),
};

const issuerShape = { caaIdentities: texts, issuerDomainNames: texts, accountHashPrefix: z.string() };

const rehearsalAccount = z.object({
  accountUrl: z.string(),
  caaIdentities: texts.nullable().exactOptional(),
  issuerDomainNames: texts.nullable().exactOptional(),
  accountHashPrefix: z.string().nullable().exactOptional(),
});

/** Facts that only the CA can tell, and the key that is made for its staging. */
const facts = {
  accountUrl: z.string(),
  status: z.string(),
  rehearsalAccountKeyPem: z.string(),
  termsOfServiceUrl: z.string(),
  profiles: texts,
  requiresExternalAccountBinding: z.boolean(),
  offersRenewalInformation: z.boolean(),
  ...issuerShape,
  rehearsalAccount,
};

/** The outputs that only `create`, `update` and a refresh know, except a key that is made here. */
export const accountFactNames = Object.keys(facts);

/** The types of an account's properties. */
export const accountDecoders = {
  inputs: z.object({
    ...shown,
    externalAccountKeyId: z.string().exactOptional(),
    externalAccountHmac: z.string().exactOptional(),
    acceptTermsOfService: z.boolean().exactOptional(),
  }),
  state: z.object({ ...shown, ...facts }),
};

/** The inputs that `check` returns. */
export type AccountInputs = z.output<typeof accountDecoders.inputs>;

/** The stored properties of an account. */
export type AccountState = Partial<z.output<typeof accountDecoders.state>>;
