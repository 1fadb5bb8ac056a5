import { z } from "zod";
import type { ChallengeSettings, CommandSettings, GatewaySettings, PersistSettings } from "../../acme/challenge/solver";
import { known } from "../input/parse";
import type { Unknown } from "../lifecycle";

const port = z
  .number("expected a port")
  .int("expected a whole number")
  .min(1, { error: ({ input }) => `found ${input}, expected 1 to 65535` })
  .max(65_535, { error: ({ input }) => `found ${input}, expected 1 to 65535` })
  .optional();
const address = z
  .string("expected an address of this machine")
  .min(1, "is empty")
  .max(100, "is longer than 100 characters")
  .optional();
const text = z.string("expected text").min(1, "is empty").max(4_096, "is longer than 4096 characters");
const seconds = z
  .number("expected a number of seconds")
  .min(1, { error: ({ input }) => `found ${input} seconds, expected at least 1` })
  .max(7_200, { error: ({ input }) => `found ${input} seconds, expected at most 7200` })
  .optional();
const command = z.union(
  [text, z.array(text, "expected a list of texts").min(1, "is empty").max(100, "has more than 100 entries")],
  "expected a program, or a list of a program and its arguments",
);

const EXPECTED = 'expected an object such as { type: "http-01", webroot: "/var/www/html" }';

/** `address` or `address:port`; what is none is told when it is asked. */
export const resolversSchema = z
  .array(text, "expected a list of addresses")
  .min(1, "is empty")
  .max(10, "has more than 10 entries");

const propagation = z
  .union(
    [
      z.literal(false),
      z.strictObject(
        {
          resolvers: resolversSchema.optional(),
          authoritative: z.boolean("expected true or false").optional(),
          timeoutSeconds: seconds,
        },
        "expected resolvers, authoritative or timeoutSeconds",
      ),
    ],
    'expected false or an object such as { resolvers: ["192.0.2.53"] }',
  )
  .optional();

const commandShape = {
  command,
  cleanupCommand: command.optional(),
  convention: z.enum(["lego", "certbot", "acme.sh"], "expected lego, certbot or acme.sh").optional(),
  timeoutSeconds: seconds,
  propagation,
};

const httpLookShape = { port, resolvers: resolversSchema.optional() };

/** http-01 in its four forms: a gateway, an order's resources, a folder, a listener. */
const http01 = z.discriminatedUnion(
  "via",
  [
    z.strictObject({ type: z.literal("http-01"), via: z.literal("gateway"), ...httpLookShape }, EXPECTED),
    z.strictObject({ type: z.literal("http-01"), via: z.literal("order"), ...httpLookShape }, EXPECTED),
    z.strictObject(
      { type: z.literal("http-01"), via: z.undefined().optional(), webroot: text.optional(), port, address },
      EXPECTED,
    ),
  ],
  'expected via: "gateway", or no via',
);

const dns01 = z.discriminatedUnion(
  "via",
  [
    z.strictObject({ type: z.literal("dns-01"), via: z.literal("order"), propagation }, EXPECTED),
    z.strictObject({ type: z.literal("dns-01"), via: z.undefined().optional(), ...commandShape }, EXPECTED),
  ],
  "expected no via: a gateway answers http-01 alone",
);

/** Takes what stands, of several kinds of challenge. */
export interface AutoSettings extends Pick<GatewaySettings, "port" | "resolvers"> {
  readonly type: "auto";
  /** How standing records are looked for. Default: by the resolvers. */
  readonly propagation?: PersistSettings["propagation"];
  readonly dns?: Omit<CommandSettings, "type">;
}

const challenges = z.discriminatedUnion(
  "type",
  [
    http01,
    z.strictObject({ type: z.literal("tls-alpn-01"), port, address }, EXPECTED),
    dns01,
    z.strictObject({ type: z.literal("dns-persist-01"), propagation }, EXPECTED),
    z.strictObject(
      {
        type: z.literal("auto"),
        ...httpLookShape,
        propagation,
        dns: z.strictObject(commandShape, "expected an object with a command").optional(),
      },
      EXPECTED,
    ),
  ],
  'expected an object whose type is "http-01", "tls-alpn-01", "dns-01", "dns-persist-01" or "auto"',
);

/**
 * How control of the names is proved: the arguments of each kind of challenge. The schema lets a property be `undefined`
 * that the types want absent, which is the same in JSON.
 */
export const challengeSchema = challenges as z.ZodType<ChallengeSettings | AutoSettings>;

/** How the names are proved, as inputs have it. */
export interface GivenChallenge {
  readonly challenge: ChallengeSettings | AutoSettings;
  /** JSON of the command's environment. */
  readonly challengeEnvironment?: string | Unknown | undefined;
}

const environmentSchema = z.record(z.string(), z.coerce.string());

/** The settings of a solver, with the environment that travels apart. */
export function readChallenge(given: GivenChallenge): ChallengeSettings | AutoSettings {
  const { challenge: settings } = given;
  const text = known(given.challengeEnvironment);
  if (text === undefined) return settings;
  const environment = environmentSchema.parse(JSON.parse(text));
  if (settings.type === "auto") return settings.dns ? { ...settings, dns: { ...settings.dns, environment } } : settings;
  return settings.type === "dns-01" && !("via" in settings) ? { ...settings, environment } : settings;
}

/** The challenge in a few words. */
export function describeChallenge(settings: ChallengeSettings | AutoSettings): string {
  const { type } = settings;
  if (type === "auto" || type === "dns-persist-01")
    return type === "auto" ? "what stands" : `${type} (standing records)`;
  if ("via" in settings && settings.via === "gateway") return `${type} (the gateway)`;
  if ("via" in settings && settings.via === "order") return `${type} (its order)`;
  if ("command" in settings) return `${type} (${[settings.command].flat()[0]})`;
  return "webroot" in settings ? `${type} (${settings.webroot})` : `${type} (a listener)`;
}
