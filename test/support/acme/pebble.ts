// Guards: CAs that outlive their test. Pebble, Let's Encrypt's test server, with the DNS that it asks; every start has
// roots of its own, an empty database, free ports on loopback and a folder that goes with it.
import { X509Certificate } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { freePorts } from "../ports";
import { leafExtensions, OpensslPki } from "../x509/openssl-pki";
import {
  ChallengeTestServer,
  type ChallengeTestServerOptions,
  requirePeer,
  type StartedProgram,
  startProgram,
  stopProgram,
} from "./challenge-test-server";

/** A profile of Pebble's configuration; validityPeriod in seconds. */
interface PebbleProfile {
  readonly description: string;
  readonly validityPeriod: number;
  readonly promoteCommonName?: boolean;
}

/** Pebble's settings; its defaults that differ from run to run are replaced by fixed ones. */
export interface PebbleOptions {
  /** Percent of good nonces that are refused; 0 by default, 5 is Pebble's own. */
  readonly nonceReject?: number;
  /** Percent of orders that get a valid authorization again; 0 by default, 50 is Pebble's own. */
  readonly authzReuse?: number;
  /** One of 90 days by default; with several, an order that names none gets any. */
  readonly profiles?: Readonly<Record<string, PebbleProfile>>;
  /** Key identifier to HMAC key, base64url; giving some makes them required. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  readonly blocklist?: readonly string[];
  readonly caaIdentities?: readonly string[];
  /** Seconds in Retry-After of pending authorizations and orders; 1 by default. */
  readonly retryAfter?: { readonly authz: number; readonly order: number };
  readonly alternateRoots?: number;
  /** Intermediates, 1 by default. */
  readonly chainLength?: number;
  readonly strict?: boolean;
  /** Of the CA's own keys; ECDSA by default, RSA makes the start slow. */
  readonly keyAlgorithm?: "rsa" | "ecdsa";
  /** Seconds that it waits before it validates, at most; none by default. */
  readonly validationSleep?: number;
  /** Every challenge is valid without being looked at. */
  readonly alwaysValid?: boolean;
  readonly ordersPerPage?: number;
  /** pebble-challtestsrv answers the challenges at httpPort and tlsPort itself. */
  readonly challengeServerAnswers?: boolean;
  readonly defaultIPv4?: string;
  readonly defaultIPv6?: string;
  /** `address:port` of another DNS that it asks, over TCP, in place of pebble-challtestsrv, which is not started then. */
  readonly dnsServer?: string;
}

/** The state of a certificate at the CA. */
export interface CertificateStatus {
  readonly Status: "Valid" | "Revoked";
  readonly Serial: string;
  readonly Reason?: number;
}

const defaultProfiles = { default: { description: "90 days", validityPeriod: 90 * 86_400 } };

/** A Pebble that runs. */
export class Pebble {
  /** `https://localhost:…`: URLs of accounts depend on the host that is asked, so there is one. */
  readonly directoryUrl: string;
  readonly managementUrl: string;
  /** What the https servers of Pebble are judged by; not a root that it issues under. */
  readonly caBundlePem: string;
  /** Where the CA looks for http-01 and tls-alpn-01, at the addresses of the DNS. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** The DNS that the CA asks, `127.0.0.1:…`, UDP and TCP. */
  readonly dnsAddress: string;
  readonly #dns: ChallengeTestServer | undefined;
  readonly #program: StartedProgram;
  readonly #pki: OpensslPki;

  private constructor(ports: Ports, program: StartedProgram, dns: ChallengeTestServer | string, pki: Pki) {
    this.directoryUrl = `https://localhost:${ports.acme}/dir`;
    this.managementUrl = `https://localhost:${ports.management}`;
    this.caBundlePem = pki.rootPem;
    [this.httpPort, this.tlsPort] = [ports.http, ports.tls];
    this.dnsAddress = typeof dns === "string" ? dns : `127.0.0.1:${ports.dns}`;
    this.#dns = typeof dns === "string" ? undefined : dns;
    [this.#program, this.#pki] = [program, pki.pki];
  }

  /** Resolves when its directory answers. */
  static async start(options: PebbleOptions = {}): Promise<Pebble> {
    const [acme, management, http, tls, dnsPort, dnsManagement] = (await freePorts(6)) as Six;
    const ports: Ports = { acme, management, http, tls, dns: dnsPort };
    const pki = makePki();
    const challengeServer = { ...dnsOptions(options, ports), managementPort: dnsManagement };
    const dns =
      options.dnsServer ??
      (await ChallengeTestServer.start(challengeServer).catch((error: unknown) => {
        pki.pki.remove();
        throw error;
      }));
    const config = join(pki.pki.folder, "pebble.json");
    writeFileSync(config, JSON.stringify({ pebble: configuration(options, ports, pki) }));
    const strict = options.strict === true ? ["-strict"] : [];
    const args = ["-config", config, "-dnsserver", options.dnsServer ?? `127.0.0.1:${ports.dns}`, ...strict];
    const program = startProgram(requirePeer("pebble"), args, environment(options));
    const pebble = new Pebble(ports, program, dns, pki);
    try {
      await program.until(() => pebble.#ask(pebble.directoryUrl));
      await program.until(() => pebble.roots());
    } catch (error) {
      await pebble.stop();
      throw error;
    }
    return pebble;
  }

  /** The records of its own DNS. */
  get dns(): ChallengeTestServer {
    if (this.#dns !== undefined) return this.#dns;
    throw new TypeError(`this Pebble asks ${this.dnsAddress}: put the records there`);
  }

  /** The root that it issues under, PEM; of an alternate one with its number. */
  roots(number = 0): Promise<string> {
    return this.#ask(`${this.managementUrl}/roots/${number}`);
  }

  intermediates(number = 0): Promise<string> {
    return this.#ask(`${this.managementUrl}/intermediates/${number}`);
  }

  /** What the CA says of a certificate, PEM. */
  async certStatus(certPem: string): Promise<CertificateStatus> {
    const { serialNumber } = new X509Certificate(certPem);
    return JSON.parse(await this.#ask(`${this.managementUrl}/cert-status-by-serial/${serialNumber}`));
  }

  /** What renewalInfo answers for this certificate from now on: an object, or any text. */
  async setRenewalInfo(certPem: string, answer: unknown): Promise<void> {
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    const body = JSON.stringify({ Certificate: certPem, ARIResponse: text });
    await this.#ask(`${this.managementUrl}/set-renewal-info/`, body);
  }

  /** How many requests came to a path of it, those with a nonce that it refused too. */
  requestCount(
    path: "/order-plz" | "/nonce-plz" | "/sign-me-up" | "/finalize-order/" | "/chalZ/" | "/authZ/" | string,
  ): number {
    return this.log.filter((line) => line.includes(`POST ${path} -> `) || line.includes(`HEAD ${path} -> `)).length;
  }

  /** How many orders were made, refused ones not counted. */
  orderCount(): number {
    return this.log.filter((line) => /Added order "[^"]*" to the db/.test(line)).length;
  }

  /** How many certificates were issued. */
  certificateCount(): number {
    return this.log.filter((line) => line.includes("Issued certificate serial")).length;
  }

  /** What Pebble wrote, line by line. */
  get log(): readonly string[] {
    return this.#program.lines;
  }

  setTxt(name: string, value: string): Promise<void> {
    return this.dns.setTxt(name, value);
  }

  clearTxt(name: string): Promise<void> {
    return this.dns.clearTxt(name);
  }

  addA(name: string, ...addresses: readonly string[]): Promise<void> {
    return this.dns.addA(name, ...addresses);
  }

  addCaa(name: string, ...policies: readonly { readonly tag: string; readonly value: string }[]): Promise<void> {
    return this.dns.addCaa(name, ...policies);
  }

  setCname(name: string, target: string): Promise<void> {
    return this.dns.setCname(name, target);
  }

  setServfail(name: string): Promise<void> {
    return this.dns.setServfail(name);
  }

  /** Ends both programs and removes their folder. */
  async stop(): Promise<void> {
    await Promise.all([stopProgram(this.#program.process), this.#dns?.stop()]);
    rmSync(this.#pki.folder, { recursive: true, force: true });
  }

  #ask(url: string, body?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { "user-agent": "test" };
      const method = body === undefined ? "GET" : "POST";
      const asked = request(url, { ca: this.caBundlePem, headers, method, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("error", reject);
        response.once("end", () =>
          response.statusCode === 200
            ? resolve(text)
            : reject(new Error(`${url} answered ${response.statusCode}: ${text}`)),
        );
      });
      asked.once("error", reject);
      asked.end(body);
    });
  }
}

/**
 * Whether Pebble finds this certificate, PEM, when an order replaces it. Pebble omits the zero octet
 * that DER puts before a high bit, and RFC 9773 section 4.1 keeps it. Pebble answers status 500 for
 * such a serial number: one random certificate in 256 has one.
 */
export function isReplaceable(certPem: unknown): boolean {
  return Number.parseInt(new X509Certificate(String(certPem)).serialNumber.slice(0, 2), 16) < 0x80;
}

/** Starts a Pebble: see {@link Pebble.start}. Other tests may take a port that was free a moment ago: then again. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  for (let left = 3; ; left--) {
    try {
      return await Pebble.start(options);
    } catch (error) {
      if (left === 1 || !String(error).includes("address already in use")) throw error;
    }
  }
}

type Six = [number, number, number, number, number, number];

interface Ports {
  readonly acme: number;
  readonly management: number;
  readonly http: number;
  readonly tls: number;
  readonly dns: number;
}

interface Pki {
  readonly pki: OpensslPki;
  readonly rootPem: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A server certificate that is its own root. */
function makePki(): Pki {
  const pki = new OpensslPki();
  const { pem, file, keyFile } = pki.issue("localhost", {
    extensions: leafExtensions("DNS:localhost,IP:127.0.0.1,IP:::1"),
  });
  return { pki, rootPem: pem, certFile: join(pki.folder, file), keyFile: join(pki.folder, keyFile) };
}

function dnsOptions(options: PebbleOptions, ports: Ports): Omit<ChallengeTestServerOptions, "managementPort"> {
  const { challengeServerAnswers, defaultIPv4, defaultIPv6 } = options;
  return {
    dnsPort: ports.dns,
    ...(challengeServerAnswers === true && { httpPort: ports.http, tlsPort: ports.tls }),
    ...(defaultIPv4 !== undefined && { defaultIPv4 }),
    ...(defaultIPv6 !== undefined && { defaultIPv6 }),
  };
}

function configuration(options: PebbleOptions, ports: Ports, pki: Pki): Readonly<Record<string, unknown>> {
  const { externalAccounts, retryAfter = { authz: 1, order: 1 } } = options;
  return {
    listenAddress: `127.0.0.1:${ports.acme}`,
    managementListenAddress: `127.0.0.1:${ports.management}`,
    certificate: pki.certFile,
    privateKey: pki.keyFile,
    httpPort: ports.http,
    tlsPort: ports.tls,
    ocspResponderURL: "",
    externalAccountBindingRequired: externalAccounts !== undefined,
    externalAccountMACKeys: externalAccounts ?? {},
    domainBlocklist: options.blocklist ?? [],
    caaIdentities: options.caaIdentities ?? [],
    keyAlgorithm: options.keyAlgorithm ?? "ecdsa",
    retryAfter,
    profiles: options.profiles ?? defaultProfiles,
  };
}

/** README of Pebble, "Testing at random". */
function environment(options: PebbleOptions): NodeJS.ProcessEnv {
  const {
    nonceReject = 0,
    authzReuse = 0,
    alternateRoots,
    chainLength,
    validationSleep,
    alwaysValid,
    ordersPerPage,
  } = options;
  return {
    PEBBLE_WFE_NONCEREJECT: String(nonceReject),
    PEBBLE_AUTHZREUSE: String(authzReuse),
    ...(validationSleep === undefined ? { PEBBLE_VA_NOSLEEP: "1" } : { PEBBLE_VA_SLEEPTIME: String(validationSleep) }),
    ...(alwaysValid === true && { PEBBLE_VA_ALWAYS_VALID: "1" }),
    ...(alternateRoots !== undefined && { PEBBLE_ALTERNATE_ROOTS: String(alternateRoots) }),
    ...(chainLength !== undefined && { PEBBLE_CHAIN_LENGTH: String(chainLength) }),
    ...(ordersPerPage !== undefined && { PEBBLE_WFE_ORDERS_PER_PAGE: String(ordersPerPage) }),
  };
}
