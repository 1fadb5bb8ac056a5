// The programs of the benchmark of standing records: certificates that they validate, orders for others to answer, and the
// records themselves.
import * as pulumi from "@pulumi/pulumi";
import { AcmeAccount, AcmeCertificate, AcmeOrder, type DnsPersistChallengeArgs } from "pulumi-tls-gateway";
import type { BenchPebble } from "./acme-pebble.ts";
import { hostOf } from "./acme-program.ts";

/** An account by its key, so that its records can be made before a program that orders. */
function runAccount({ directoryUrl: directory, caBundlePem }: BenchPebble, accountKeyPem: string): AcmeAccount {
  return new AcmeAccount("ca", {
    ...{ directory, caBundlePem, acceptTermsOfService: true },
    accountKeyPem: pulumi.secret(accountKeyPem),
  });
}

function hostsOf(size: number): readonly string[] {
  return Array.from({ length: size }, (_, index) => hostOf(index, "ours"));
}

/** A TXT record that stands. */
export type TxtRecord = readonly [name: string, value: string];

/** The account alone; `found` gets the records by which it has so many names validated. */
export function runRecords(
  pebble: BenchPebble,
  accountKeyPem: string,
  size: number,
  found: (records: readonly TxtRecord[]) => void,
): pulumi.Output<void> {
  const records = runAccount(pebble, accountKeyPem).validationRecords(hostsOf(size));
  return pulumi
    .all(records.map(({ values }) => values))
    .apply((all) => found(records.map(({ name }, index) => [name, all[index]?.[0] ?? ""])));
}

/** What is measured of the certificates. */
export interface StandingArgs {
  readonly propagation: DnsPersistChallengeArgs["propagation"];
  /** Days before the renewal; the package's default else. */
  readonly renewalInfoDays?: number;
}

/** The account, and as many certificates of one name each, proved by records that stand. */
export function runStanding(
  pebble: BenchPebble,
  accountKeyPem: string,
  size: number,
  { propagation, ...renewal }: StandingArgs,
): void {
  const account = runAccount(pebble, accountKeyPem);
  for (const [index, host] of hostsOf(size).entries()) {
    const challenge: DnsPersistChallengeArgs = {
      type: "dns-persist-01",
      ...(propagation !== undefined && { propagation }),
    };
    new AcmeCertificate(`shop-${index}`, { account, hostnames: [host], challenge, ...renewal });
  }
}

/** The account, and as many orders of one name each with a certificate; nobody looks whether their records stand. */
export function runOrders(pebble: BenchPebble, accountKeyPem: string, size: number): void {
  const account = runAccount(pebble, accountKeyPem);
  for (const [index, host] of hostsOf(size).entries()) {
    const order = new AcmeOrder(`order-${index}`, { account, hostnames: [host] });
    new AcmeCertificate(`shop-${index}`, { order, challenge: { type: "dns-01", propagation: false } });
  }
}
