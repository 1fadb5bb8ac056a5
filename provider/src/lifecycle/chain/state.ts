import { z } from "zod";
import { texts } from "../decoder";

/** Inputs that the state keeps: of the arguments, and what `check` reads from the certificates. */
const shown = {
  certPem: z.string().exactOptional(),
  issuerPem: z.string().exactOptional(),
  privateKeyPem: z.string().exactOptional(),
  roots: z.string().exactOptional(),
  preferredRoot: z.string().exactOptional(),
  completeFromAia: z
    .union([
      z.boolean(),
      z.object({ allowPrivateAddresses: z.boolean().exactOptional(), timeoutSeconds: z.number().exactOptional() }),
    ])
    .exactOptional(),
  hostnames: texts.exactOptional(),
  rootPem: z.string().exactOptional(),
  names: texts.exactOptional(),
  fingerprintSha256: z.string(),
  serialNumber: z.string().exactOptional(),
  validFrom: z.string().exactOptional(),
  validTo: z.string().exactOptional(),
  missingIssuerUrls: texts.exactOptional(),
};

/** The types of a chain's properties. */
export const chainDecoders = {
  inputs: z.object({
    ...shown,
    pkcs12: z.string().exactOptional(),
    passphrase: z.string().exactOptional(),
    minDaysRemaining: z.number().exactOptional(),
    checkIntervalHours: z.number().exactOptional(),
  }),
  state: z.object({ ...shown, completedIssuerPem: z.string() }),
};

/** The inputs that `check` returns. */
export type ChainInputs = z.output<typeof chainDecoders.inputs>;

/** The stored properties of a chain. */
export type ChainState = Partial<z.output<typeof chainDecoders.state>>;
