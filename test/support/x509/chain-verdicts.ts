// Guards: a verdict of ours on a chain that openssl does not share. Both are asked here, by the same scenario.
import { execFileSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { expect } from "vitest";
import { readCertificates, readChain } from "../../../provider/src/x509/chain/chain";
import type { Peer } from "../peer";
import type { IssuedPair, OpensslPki } from "./openssl-pki";

/** What is made, given to both and judged by both. */
export interface Scenario {
  readonly leaf: IssuedPair;
  /** What a server would send beside the leaf; the order means nothing. */
  readonly others: readonly IssuedPair[];
  readonly roots: readonly IssuedPair[];
  /** Part of the reason of the first error, where a chain is refused. */
  readonly reason?: string;
  readonly at?: Date;
}

/** The verdict of openssl, and its words. */
export function judgeByOpenssl(
  peer: Peer,
  pki: OpensslPki,
  { leaf, others, roots, at = new Date() }: Scenario,
): { accepts: boolean; said: string } {
  const trusted = pki.write("trusted.pem", roots.map((one) => one.pem).join(""));
  const untrusted = pki.write("untrusted.pem", others.map((one) => one.pem).join(""));
  const flags = ["-x509_strict", "-no-CAfile", "-no-CApath", "-no-CAstore", "-purpose", "sslserver"];
  const time = ["-attime", `${Math.floor(at.getTime() / 1000)}`];
  const files = ["-trusted", trusted, ...(others.length > 0 ? ["-untrusted", untrusted] : []), leaf.file];
  try {
    execFileSync(peer.path, ["verify", ...flags, ...time, ...files], { cwd: pki.folder, stdio: "pipe" });
    return { accepts: true, said: "" };
  } catch (error) {
    return { accepts: false, said: String((error as { stderr?: Buffer }).stderr) };
  }
}

/** Our verdict, the certificates given in both orders. */
export function judgeByUs({ leaf, others, roots, at = new Date() }: Scenario) {
  const trusted = roots.flatMap((one) => readCertificates(one.pem, "roots"));
  const verdicts = [[leaf, ...others], [...others, leaf].reverse(), [...others, leaf]].map((order) =>
    readChain({
      certificates: order.map((one) => one.pem).join(""),
      privateKey: createPrivateKey(leaf.keyPem),
      roots: trusted,
      now: at,
    }).findings.filter((finding) => finding.severity === "error"),
  );
  expect(verdicts[1]).toEqual(verdicts[0]);
  expect(verdicts[2]).toEqual(verdicts[0]);
  return verdicts[0] ?? [];
}
