// What scripts/lib/run-example.mjs does for this example: it plays the server. No part of a real set-up.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { ExampleSession } from "../../scripts/lib/run-example.mjs";
import { ask } from "./ask.ts";
import { startCells } from "./cells.ts";
import { startNginx } from "./nginx.ts";

const host = "files.example.com";

/** After `up`, an nginx is started, the gateway installed on it by its script, twice, and asked for a page. */
export async function around(session: ExampleSession): Promise<void> {
  const { command, stack, signal, say } = session;
  await session.run();
  if (command !== "up") return;
  signal.throwIfAborted();
  const config = await stack.getAllConfig();
  const [port, httpPort, cellsPort] = ["port", "httpPort", "cellsPort"].map((name) =>
    Number(config[`nginx-front:${name}`]?.value),
  ) as [number, number, number];
  const { installScript, removeScript, cellsFiles, rootCaPem } = await stack.outputs();
  const nginx = await startNginx(resolve("nginx"));
  const cells = await startCells(cellsPort, cellsFiles?.value);
  try {
    say("\n=== The install script, on an nginx that runs: sh < installScript\n");
    await runScript(installScript?.value, say);
    say("\n=== Once more\n");
    await runScript(installScript?.value, say);
    say("\n=== The proof\n");
    say(await describeAnswer(httpPort, "/shared?by=link"));
    say(await describeAnswer(port, "/shared?by=link", rootCaPem?.value));
    say("\n=== The remove script\n");
    await runScript(removeScript?.value, say);
  } finally {
    await Promise.all([nginx.stop(), cells.stop()]);
  }
}

/** The script holds keys: it is given to the shell's standard input, as `ssh host sh` would, and stands in no file. */
async function runScript(script: string, say: (line: string) => void): Promise<void> {
  const shell = spawn("sh", [], { stdio: ["pipe", "pipe", "inherit"] });
  shell.stdout.setEncoding("utf8").on("data", (text: string) => say(text.trimEnd()));
  shell.stdin.end(script);
  const [code] = await once(shell, "close");
  if (code !== 0) throw new pulumi.RunError(`The script ended with status ${code}: see above.`);
}

/** One request, as a line. */
async function describeAnswer(port: number, path: string, ca?: string): Promise<string> {
  const { status, headers, body, tls } = await ask({ port, path, host, ...(ca !== undefined && { ca }) });
  const protocol = tls === undefined ? "http" : `https (${tls.protocol}, verified)`;
  const { location, "strict-transport-security": hsts } = headers;
  const shown = [location && `Location: ${location}`, hsts && `Strict-Transport-Security: ${hsts}`, ca && body];
  return `${protocol} ${path}: ${[status, ...shown.filter(Boolean)].join(", ")}`;
}
