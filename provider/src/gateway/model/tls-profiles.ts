import type { TlsProfile } from "./site";

/** What a TLS profile offers, in OpenSSL's names. */
export interface TlsProfileFigures {
  readonly protocols: readonly ("TLSv1.2" | "TLSv1.3")[];
  /** Suites of TLS 1.2, in order; none in the modern profile. The order is the client's to choose. */
  readonly ciphers: readonly string[];
  /** Suites of TLS 1.3. */
  readonly cipherSuites: readonly string[];
  /** Groups for the key exchange; X25519MLKEM768 needs OpenSSL 3.5. */
  readonly groups: readonly string[];
}

const cipherSuites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const groups = ["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"];

/** Mozilla's Server Side TLS, guideline 6.0 (2026-04-06), configurations "intermediate" and "modern". */
export const tlsProfileFigures: Readonly<Record<TlsProfile, TlsProfileFigures>> = {
  intermediate: {
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: [
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305",
      "ECDHE-RSA-CHACHA20-POLY1305",
    ],
    cipherSuites,
    groups,
  },
  modern: { protocols: ["TLSv1.3"], ciphers: [], cipherSuites, groups },
};

/** The groups that an OpenSSL of this version knows. */
export function opensslGroups(profile: TlsProfile, opensslVersion: "3.0" | "3.5"): readonly string[] {
  return tlsProfileFigures[profile].groups.filter((group) => opensslVersion === "3.5" || group !== "X25519MLKEM768");
}
