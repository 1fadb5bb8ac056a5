import { z } from "zod";
import type { ChallengeSettings } from "../acme/challenge/solver";
import type { Properties } from "./lifecycle";

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

const expected = 'expected an object such as { type: "http-01", webroot: "/var/www/html" }';

/** How control of the names is proved: the arguments of each kind of challenge. */
export const challengeSchema = z.discriminatedUnion(
  "type",
  [
    z.strictObject({ type: z.literal("http-01"), webroot: text.optional(), port, address }, expected),
    z.strictObject({ type: z.literal("tls-alpn-01"), port, address }, expected),
    z.strictObject(
      {
        type: z.literal("dns-01"),
        command,
        cleanupCommand: command.optional(),
        convention: z.enum(["lego", "certbot", "acme.sh"], "expected lego, certbot or acme.sh").optional(),
        timeoutSeconds: seconds,
        propagation: z
          .union(
            [
              z.literal(false),
              z.strictObject(
                {
                  resolvers: z
                    .array(text, "expected a list of addresses")
                    .min(1, "is empty")
                    .max(10, "has more than 10 entries")
                    .optional(),
                  authoritative: z.boolean("expected true or false").optional(),
                  timeoutSeconds: seconds,
                },
                "expected resolvers, authoritative or timeoutSeconds",
              ),
            ],
            'expected false or an object such as { resolvers: ["192.0.2.53"] }',
          )
          .optional(),
      },
      expected,
    ),
  ],
  'expected an object whose type is "http-01", "tls-alpn-01" or "dns-01"',
);

/** The settings of a solver, with the environment that travels apart. */
export function readChallenge({ challenge, challengeEnvironment }: Properties): ChallengeSettings {
  const settings = challenge as ChallengeSettings;
  if (settings.type !== "dns-01" || typeof challengeEnvironment !== "string") return settings;
  return { ...settings, environment: JSON.parse(challengeEnvironment) as Readonly<Record<string, string>> };
}

/** The challenge in a few words. */
export function describeChallenge(challenge: unknown): string {
  const { type, webroot, command: program } = challenge as { type: string; webroot?: string; command?: unknown };
  if (type === "dns-01") return `dns-01 (${[program].flat()[0]})`;
  return webroot === undefined ? `${type} (a listener)` : `${type} (${webroot})`;
}
