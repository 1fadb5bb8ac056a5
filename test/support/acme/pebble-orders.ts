// Guards: orders that a test brings to their end at a real Pebble: an account, a solver for each challenge, a journal in
// memory, and OpenSSL's verdict on the certificate.
import { execFile } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";
import { ensureAccount } from "../../../provider/src/acme/account/account";
import type { ChallengeSettings, ChallengeSolver, SolverContext } from "../../../provider/src/acme/challenge/solver";
import { createSolver } from "../../../provider/src/acme/challenge/solvers";
import type { AcmeIdentifier } from "../../../provider/src/acme/client/identifier";
import { dns01Value, readAccountKey } from "../../../provider/src/acme/client/jws";
import { AcmeSession } from "../../../provider/src/acme/client/session";
import { AcmeTransport } from "../../../provider/src/acme/client/transport";
import { makeCertificateRequest } from "../../../provider/src/acme/order/certificate-request";
import {
  type FulfilFlow,
  fulfilOrder,
  type Issued,
  type OrderProgress,
  type OrderStep,
} from "../../../provider/src/acme/order/flow";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { type KeyType, renderPrivateKey } from "../../../provider/src/x509/keys/private-key";
import { parseIdentifier } from "../../../provider/src/x509/names/identifier";
import { Pebble, type PebbleOptions } from "./pebble";

const run = promisify(execFile);

/** What a CA is reached by: Pebble itself, or a proxy in front of it. */
export interface Entrance {
  readonly directoryUrl: string;
  readonly caBundlePem: string;
}

/** What an order is for. */
export interface Wanted extends Partial<Pick<FulfilFlow, "solvers" | "preferredChain" | "save" | "checkAlive">> {
  readonly names: readonly string[];
  readonly key?: KeyObject;
  readonly profile?: string;
  readonly replaces?: string;
}

/** One account at a Pebble, with the journal of what was saved. */
export class PebbleOrders {
  readonly session: AcmeSession;
  readonly accountUrl: string;
  readonly saved: { readonly step: OrderStep; readonly progress: OrderProgress }[] = [];
  readonly #pebble: Pebble;
  readonly #transport: AcmeTransport;
  #root: string | undefined;

  private constructor(pebble: Pebble, session: AcmeSession, accountUrl: string, transport: AcmeTransport) {
    [this.#pebble, this.session, this.accountUrl, this.#transport] = [pebble, session, accountUrl, transport];
  }

  /** With a key that has an account already, that one. */
  static async open(
    pebble: Pebble,
    entrance: Entrance = pebble,
    key = readAccountKey(renderPrivateKey(newKey("P256"))),
  ): Promise<PebbleOrders> {
    const transport = new AcmeTransport({ caBundlePem: entrance.caBundlePem });
    const session = new AcmeSession({ directoryUrl: entrance.directoryUrl, key, transport });
    const deadline = new Deadline(60, systemClock);
    try {
      const { url } = await ensureAccount(session, { contacts: [], acceptTermsOfService: true }, deadline);
      return new PebbleOrders(pebble, session, url, transport);
    } finally {
      deadline.dispose();
    }
  }

  close(): void {
    this.#transport.close();
  }

  /** What was saved last, which the next run goes on with. */
  get progress(): OrderProgress {
    return this.saved[this.saved.length - 1]?.progress ?? {};
  }

  async issue(wanted: Wanted, progress: OrderProgress = {}): Promise<Issued> {
    const deadline = new Deadline(60, systemClock);
    const { names, profile = "default", replaces, key, preferredChain } = wanted;
    const identifiers = names.map(parseIdentifier) as readonly AcmeIdentifier[];
    try {
      const issued = await fulfilOrder(
        {
          session: this.session,
          accountUrl: this.accountUrl,
          request: { identifiers, profile, ...(replaces !== undefined && { replaces }) },
          csr: (known) => {
            const keyPem = known ?? renderPrivateKey(key ?? newKey("P256"));
            return { der: makeCertificateRequest(createPrivateKey(keyPem), identifiers), keyPem };
          },
          solvers: wanted.solvers ?? [dnsSolver(this.#pebble)],
          ...(preferredChain !== undefined && { preferredChain }),
          deadline,
          save: async (step, now) => {
            this.saved.push({ step, progress: now });
            await wanted.save?.(step, now);
          },
          checkAlive: wanted.checkAlive ?? (async () => {}),
          say: () => {},
        },
        progress,
      );
      if (preferredChain === undefined) await this.#verify(issued, names);
      return issued;
    } finally {
      deadline.dispose();
    }
  }

  /** No certificate that openssl does not verify is handed to a test. */
  async #verify(issued: Issued, names: readonly string[]): Promise<void> {
    this.#root ??= await this.#pebble.roots();
    const verdict = await verifyByOpenssl(issued, this.#root, names);
    if (verdict !== "OK") throw new Error(`openssl verify: ${verdict}`);
  }

  /** Whom solvers answer for. */
  get solverContext(): SolverContext {
    const { session, accountUrl } = this;
    return { key: session.key, accountUrl, clock: systemClock, directory: (deadline) => session.directory(deadline) };
  }

  /** A solver of ours that listens where this Pebble looks. */
  listener(type: "http-01" | "tls-alpn-01", address: string): ChallengeSolver {
    const { httpPort, tlsPort } = this.#pebble;
    const settings: ChallengeSettings =
      type === "http-01" ? { type, port: httpPort, address } : { type, port: tlsPort, address };
    return createSolver(settings, this.solverContext);
  }
}

/** A Pebble that has its answers ready at once, and an account, for the tests of a block. */
export function usePebble(options: PebbleOptions): { pebble: Pebble; orders: PebbleOrders } {
  const used = {} as { pebble: Pebble; orders: PebbleOrders };
  beforeAll(async () => {
    used.pebble = await Pebble.start({ retryAfter: { authz: 0, order: 0 }, ...options });
    used.orders = await PebbleOrders.open(used.pebble);
  });
  afterAll(async () => {
    used.orders.close();
    await used.pebble.stop();
  });
  return used;
}

/** dns-01 by the records of Pebble's own DNS; `records` is what stands there. */
export function dnsSolver(pebble: Pebble, records = new Set<string>()): ChallengeSolver {
  const nameOf = (value: string) => `_acme-challenge.${value}`;
  return {
    type: "dns-01",
    refuse: ({ type }) => (type === "ip" ? "an address has no records" : undefined),
    present: async (tasks) => {
      for (const { identifier, keyAuthorization } of tasks) {
        records.add(nameOf(identifier.value));
        await pebble.setTxt(nameOf(identifier.value), dns01Value(keyAuthorization));
      }
    },
    cleanUp: async (tasks) => {
      for (const { identifier } of tasks) {
        await pebble.clearTxt(nameOf(identifier.value));
        records.delete(nameOf(identifier.value));
      }
    },
  };
}

export function newKey(type: Exclude<KeyType, "Ed25519">): KeyObject {
  if (type === "P256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  if (type === "P384") return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  return generateKeyPairSync("rsa", { modulusLength: Number(type.slice(3)) }).privateKey;
}

/** What `openssl verify` says of a chain under a root, as a server of each name: "OK", or its reason. */
export async function verifyByOpenssl(issued: Issued, rootPem: string, names: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pebble-orders-"));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  try {
    const [root, leaf] = [write("root.pem", rootPem), write("leaf.pem", issued.certPem)];
    const issuers = issued.issuerPem === "" ? [] : ["-untrusted", write("issuers.pem", issued.issuerPem)];
    for (const name of names) {
      const { type, value } = parseIdentifier(name);
      const host = type === "ip" ? ["-verify_ip", value] : ["-verify_hostname", value.replace(/^\*/, "any")];
      const options = ["-x509_strict", "-no-CApath", "-purpose", "sslserver", "-CAfile", root, ...issuers, ...host];
      const { stdout } = await run("openssl", ["verify", ...options, leaf]);
      if (!stdout.trim().endsWith(": OK")) return stdout;
    }
    return "OK";
  } catch (error) {
    return (error as { stderr?: string }).stderr ?? String(error);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
