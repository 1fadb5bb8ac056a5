import { z } from "zod";
import { keyTypes } from "../../x509/keys/private-key";
import { texts } from "../decoder";

const attribute = z.string().exactOptional();

const subject = z.object({
  commonName: attribute,
  organization: attribute,
  organizationalUnit: attribute,
  country: attribute,
  province: attribute,
  locality: attribute,
  streetAddress: attribute,
  postalCode: attribute,
  serialNumber: attribute,
  emailAddress: attribute,
});

const nameConstraints = z.object({
  permittedDnsDomains: texts.exactOptional(),
  excludedDnsDomains: texts.exactOptional(),
  permittedIpRanges: texts.exactOptional(),
  excludedIpRanges: texts.exactOptional(),
  unjudged: texts.exactOptional(),
});

const policy = {
  minDaysRemaining: z.number().exactOptional(),
  checkIntervalHours: z.number().exactOptional(),
};

/** `check` plans these dates, or reads them from a CA that is adopted. */
const validity = { validFrom: z.string(), validTo: z.string() };

const caShown = {
  subject: subject.exactOptional(),
  keyType: z.enum(keyTypes).exactOptional(),
  validityDays: z.number().exactOptional(),
  nameConstraints: nameConstraints.exactOptional(),
  certPem: z.string().exactOptional(),
  privateKeyPem: z.string().exactOptional(),
  subjectKeyId: z.string().exactOptional(),
  fingerprintSha256: z.string().exactOptional(),
  serialNumber: z.string().exactOptional(),
  ...validity,
};

/** The types of a CA's properties. The facts are inputs of an adopted CA, and outputs of any other. */
export const caDecoders = {
  inputs: z.object({ ...caShown, passphrase: z.string().exactOptional(), ...policy }),
  state: z.object(caShown),
};

/** The inputs that `check` returns for a CA. */
export type CaInputs = z.output<typeof caDecoders.inputs>;

/** The stored properties of a CA. */
export type CaState = Partial<z.output<typeof caDecoders.state>>;

const leafShown = {
  hostnames: texts,
  usage: z.enum(["server", "client"]).exactOptional(),
  keyType: z.enum(keyTypes).exactOptional(),
  validityDays: z.number().exactOptional(),
  subject: subject.exactOptional(),
  certificateRequestPem: z.string().exactOptional(),
  caCertPem: z.string(),
  ...validity,
};

/** The types of a leaf's properties. */
export const leafDecoders = {
  inputs: z.object({ ...leafShown, caPrivateKeyPem: z.string(), ...policy }),
  state: z.object({
    ...leafShown,
    certPem: z.string(),
    privateKeyPem: z.string(),
    fingerprintSha256: z.string(),
    serialNumber: z.string(),
  }),
};

/** The inputs that `check` returns for a leaf. */
export type LeafInputs = z.output<typeof leafDecoders.inputs>;

/** The stored properties of a leaf. */
export type LeafState = Partial<z.output<typeof leafDecoders.state>>;
