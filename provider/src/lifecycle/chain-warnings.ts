import { isTlsError } from "../errors";
import { type ChainFinding, judgeChain } from "../x509/chain";
import { adviseOn } from "../x509/chain-advice";
import { readRoots, readSource } from "./chain-source";

/** The arguments that say what a chain is made of, as far as they were given. */
export type ChainArguments = Readonly<
  Partial<Record<"certPem" | "issuerPem" | "roots" | "pkcs12" | "passphrase" | "preferredRoot", string | undefined>>
>;

/**
 * What is worth a warning about a chain that `check` accepts: members that expired since, dropped extras, an issuer that
 * is missing while nothing is verified, what browsers refuse all the same. Told by the program and not kept, since it
 * changes with the day.
 *
 * @param completedPem what was fetched for it, when it is completed by AIA.
 */
export function findChainWarnings(
  args: ChainArguments,
  now: Date,
  completedPem?: string | undefined,
): readonly ChainFinding[] {
  try {
    const { certificates, privateKey } = readSource(args, []);
    const fetched = completedPem === undefined ? [] : readSource({ issuerPem: completedPem }, []).certificates;
    const input = {
      ...(privateKey && { privateKey }),
      ...(args.roots !== undefined && { roots: readRoots(args.roots) }),
      ...(args.preferredRoot !== undefined && { preferredRoot: args.preferredRoot }),
      now,
    };
    const given = [...certificates, ...fetched];
    const chain = judgeChain(given, input);
    return [...chain.findings, ...adviseOn(chain)].flatMap((one) => {
      // it was accepted when it was valid
      if (one.code === "CERTIFICATE_EXPIRED") return [{ ...one, severity: "warning" }];
      return one.severity === "warning" ? [one] : [];
    });
  } catch (error) {
    // check says what is wrong
    if (isTlsError(error)) return [];
    throw error;
  }
}
