import type { AnsweringAccount } from "../proxy/options";

/** What a responder is: it listens without TLS, answers http-01, and sends everything else on. */
export interface Responder {
  /** In the order given; at most one without hostnames. */
  readonly accounts: readonly AnsweringAccount[];
  readonly port: number;
  /** `0.0.0.0`, `::` or addresses of the machine, canonical; IPv6 without brackets. */
  readonly addresses: readonly string[];
  /** The port of https that other requests are sent on to; undefined: they are answered 404. */
  readonly redirectPort: number | undefined;
}

/** The texts of a responder. */
export interface ResponderTexts {
  readonly configuration: string;
  /** Further files, as those of a gateway of the kind. */
  readonly texts?: Readonly<Record<string, string>>;
}

/** One kind of server as a responder; options, paths and commands are those of the gateway of this kind. */
export interface ResponderKind<Options> {
  /**
   * "beside": a file of its own in a folder of its own, which the server reads beside that of a gateway. "before": the
   * server reads one file, so a gateway takes the responder's place, in the same folder, and has to answer by itself.
   */
  readonly placement: "beside" | "before";
  /** Options whose default is another than that of a gateway. */
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly render: (responder: Responder, options: Options) => ResponderTexts;
  /** Of "beside": shell that answers 0 where a gateway answers in the responder's place; absent: none ever does. */
  readonly isReplaced?: (responder: Responder) => string;
  /** What is right but may surprise, each a sentence. */
  readonly notes: (responder: Responder, options: Options) => readonly string[];
}
