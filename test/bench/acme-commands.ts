// Clients that are commands, as Debian packages them: what a pipeline without this package would call, one by one.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BenchPebble, findProgram } from "./acme-pebble.ts";
import { hostOf } from "./acme-program.ts";
import { timed } from "./measurement.ts";

/** One of them on one Pebble, in a folder of its own. */
interface Command {
  readonly name: string;
  /** Makes the account; not measured. */
  readonly prepare: (run: Run, place: Place) => Promise<void>;
  /** Orders one certificate. */
  readonly order: (run: Run, host: string, place: Place) => Promise<void>;
}

type Run = (args: readonly string[]) => Promise<void>;

interface Place {
  readonly pebble: BenchPebble;
  readonly folder: string;
}

/** RFC 8555 section 8.3. */
const challengeFolder = ".well-known/acme-challenge";

const commands: readonly Command[] = [
  {
    name: "certbot",
    prepare: (run, place) => run(["register", ...certbotOptions(place)]),
    order: (run, host, place) =>
      run([
        ...["certonly", "--standalone", "--http-01-address", "127.0.0.1"],
        ...["--http-01-port", String(place.pebble.httpPort), "-d", host, ...certbotOptions(place)],
      ]),
  },
  {
    name: "dehydrated",
    prepare: async (run, { pebble, folder }) => {
      mkdirSync(join(folder, challengeFolder), { recursive: true });
      const settings = {
        CA: pebble.directoryUrl,
        BASEDIR: folder,
        WELLKNOWN: join(folder, challengeFolder),
        KEY_ALGO: "prime256v1",
        CURL_OPTS: `--cacert ${pebble.caBundleFile}`,
      };
      const lines = Object.entries(settings).map(([name, value]) => `${name}="${value}"`);
      writeFileSync(join(folder, "config"), `${lines.join("\n")}\n`);
      await run(["--register", "--accept-terms", "--config", join(folder, "config")]);
    },
    order: (run, host, { folder }) => run(["--cron", "--config", join(folder, "config"), "--domain", host]),
  },
];

function certbotOptions({ pebble, folder }: Place): readonly string[] {
  const folders = ["config", "work", "logs"].flatMap((name) => [`--${name}-dir`, join(folder, name)]);
  return [
    ...["--non-interactive", "--agree-tos", "--register-unsafely-without-email", "--quiet"],
    ...["--server", pebble.directoryUrl, ...folders],
  ];
}

/** What a command took. */
export interface CommandTime {
  readonly name: string;
  /** Milliseconds for all certificates. */
  readonly time: number;
}

/** Each command that is installed, for so many certificates one after the other. */
export async function timeCommands(pebble: BenchPebble, size: number): Promise<CommandTime[]> {
  const times: CommandTime[] = [];
  for (const command of commands) {
    const path = findProgram(command.name);
    if (path === undefined) console.error(`${command.name} is not installed: not compared with it`);
    else times.push({ name: command.name, time: await timeCommand(command, path, pebble, size) });
  }
  return times;
}

async function timeCommand(command: Command, path: string, pebble: BenchPebble, size: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "tls-gateway-acme-"));
  const place = { pebble, folder };
  const env = { PATH: process.env.PATH, HOME: folder, REQUESTS_CA_BUNDLE: pebble.caBundleFile };
  const run: Run = async (args) => {
    await promisify(execFile)(path, args, { cwd: folder, env, timeout: 60_000 });
  };
  // dehydrated leaves its answers in a folder, certbot listens by itself
  const server = command.name === "dehydrated" ? await serve(folder, pebble.httpPort) : undefined;
  try {
    await command.prepare(run, place);
    return await timed(async () => {
      for (let index = 0; index < size; index++) await command.order(run, hostOf(index, command.name), place);
    });
  } finally {
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serve(folder: string, port: number): Promise<Server> {
  const server = createServer(({ url = "" }, response) => {
    try {
      response.end(readFileSync(join(folder, challengeFolder, url.split("/").at(-1) ?? "")));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}
