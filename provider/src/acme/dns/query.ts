import type { CaaRecord as NodeCaaRecord } from "node:dns";
import { Resolver } from "node:dns/promises";
import type { Deadline } from "../run/deadline";

/** A DNS server, by whatever way it was found. */
export interface DnsServer {
  readonly role: "authoritative" | "resolver";
  /** For messages: `ns1.example.net (192.0.2.1)`. */
  readonly label: string;
  /** As `Resolver.setServers` takes it; undefined: the resolvers of the machine. */
  readonly endpoint: string | undefined;
}

/** What a server says of one name. */
export type DnsAnswer<T> =
  | { readonly kind: "records"; readonly records: readonly T[] }
  /** The name exists, or is another zone's, and has no such record. */
  | { readonly kind: "no-record" }
  /** NXDOMAIN: the name does not exist. */
  | { readonly kind: "no-name" }
  /** Silent, unreachable or unable; the code of node:dns. */
  | { readonly kind: "failure"; readonly code: string };

/** One property of a CAA record set (RFC 8659 section 4). */
export interface CaaProperty {
  /** The octet as it came; its highest bit says that who does not know the tag must not issue. */
  readonly flags: number;
  /** As it came: tags are the same in upper and lower case. */
  readonly tag: string;
  readonly value: string;
}

/** Types that are asked for, and what a record is. */
interface RecordTypes {
  readonly A: string;
  readonly AAAA: string;
  readonly CAA: CaaProperty;
  readonly CNAME: string;
  readonly NS: string;
  /** The character-strings joined, RFC 8555 section 8.4. */
  readonly TXT: string;
}

export type QueryType = keyof RecordTypes;
export type RecordOf<Type extends QueryType> = RecordTypes[Type];

/** A far server takes 0.3 s; c-ares waits twice as long at its second try, and who waits for a record asks again. */
const TRY_MS = 1000;
const TRIES = 2;

/**
 * Asks one server one question, over UDP, and over TCP when the answer is cut. A resolver of its own each time: c-ares
 * would answer a repetition from its cache.
 * @throws TlsError ACME_TIMEOUT, ACME_ABORTED by the deadline
 */
export async function query<Type extends keyof RecordTypes>(
  server: DnsServer,
  name: string,
  type: Type,
  deadline: Deadline,
): Promise<DnsAnswer<RecordTypes[Type]>> {
  const doing = `looking for the ${type} records of ${name}`;
  deadline.check(doing);
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (server.endpoint !== undefined) resolver.setServers([server.endpoint]);
  const cancel = () => resolver.cancel();
  deadline.signal.addEventListener("abort", cancel, { once: true });
  try {
    return { kind: "records", records: await ask[type](resolver, name) };
  } catch (error) {
    if (deadline.signal.aborted) throw deadline.error(doing);
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "ENODATA") return { kind: "no-record" };
    return code === "ENOTFOUND" ? { kind: "no-name" } : { kind: "failure", code };
  } finally {
    deadline.signal.removeEventListener("abort", cancel);
  }
}

const ask: {
  readonly [Type in keyof RecordTypes]: (resolver: Resolver, name: string) => Promise<readonly RecordTypes[Type][]>;
} = {
  A: (resolver, name) => resolver.resolve4(name),
  AAAA: (resolver, name) => resolver.resolve6(name),
  CAA: async (resolver, name) => (await resolver.resolveCaa(name)).map(readCaa),
  CNAME: (resolver, name) => resolver.resolveCname(name),
  NS: (resolver, name) => resolver.resolveNs(name),
  TXT: async (resolver, name) => (await resolver.resolveTxt(name)).map((strings) => strings.join("")),
};

/** Node tells a property by an object whose one other key is the tag. */
function readCaa({ critical, ...rest }: NodeCaaRecord): CaaProperty {
  const [tag = "", value = ""] = Object.entries(rest).find(([key]) => key !== "type") ?? [];
  return { flags: critical, tag, value: String(value) };
}
