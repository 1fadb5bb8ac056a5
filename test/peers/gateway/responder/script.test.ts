// What asks a server for a challenge: each program by each shell, as they are on servers of all kinds.
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askFunctions } from "../../../../provider/src/gateway/responder/script";
import { runScript, type Shell } from "../../../support/install/fixture";
import { describeWithPeer, peer } from "../../../support/peer";

const thumbprint = `${"A".repeat(42)}E`;

describe("a script that asks for a challenge", () => {
  const folder = mkdtempSync(join(tmpdir(), "responder-script-"));
  let server: Server;
  let functions = "";

  beforeAll(async () => {
    server = createServer(({ url = "", headers }, response) => {
      const token = url.replace("/.well-known/acme-challenge/", "");
      response.end(headers.host === "a.test" ? `${token}.${thumbprint}` : "\x1b[2Jno");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    functions = askFunctions({ accounts: [], addresses: ["0.0.0.0"], port, redirectPort: undefined });
  });
  afterAll(async () => {
    await once(server.close(), "close");
    rmSync(folder, { recursive: true });
  });

  /** The word after what was said; the shell finds these programs and no others. */
  async function asked(shell: Shell, host: string, programs: Readonly<Record<string, string>>): Promise<string> {
    const bin = mkdtempSync(join(folder, "bin-"));
    const needed = Object.fromEntries(["date", "head", "tr"].map((name) => [name, peer(name)?.path ?? name]));
    for (const [name, path] of Object.entries({ ...needed, ...programs })) symlinkSync(path, join(bin, name));
    const script = `${functions}\nif acme_answers ${host} ${thumbprint}; then echo answered; else echo "not: $acme_said"; fi\n`;
    const [name, ...args] = shell;
    // a proxy that is not there: what is asked is the machine itself
    const environment = { PATH: bin, http_proxy: "http://127.0.0.1:1/" };
    const { stdout, stderr } = await runScript([peer(name)?.path ?? name, ...args], script, environment);
    return stdout.trim() + stderr;
  }

  for (const shell of [["dash"], ["busybox", "sh"]] as const) {
    describeWithPeer(shell[0], () => {
      for (const [program, name] of [
        ["curl", "curl"],
        ["wget", "wget"],
        ["busybox", "wget"],
      ] as const) {
        describeWithPeer(program, ({ path }) => {
          it(`by ${shell[0]} and ${program} knows the right answer from others, and cleans what it repeats`, async () => {
            expect(await asked(shell, "a.test", { [name]: path })).toBe("answered");
            expect(await asked(shell, "b.test", { [name]: path })).toBe("not: [2Jno");
          });
        });
      }

      it(`by ${shell[0]} without any of them takes the server's word`, async () => {
        expect(await asked(shell, "b.test", {})).toBe("answered");
      });
    });
  }
});
