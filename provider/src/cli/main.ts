#!/usr/bin/env node
// The command tls-gateway: the one place that touches the process. Arguments in; text and an exit status out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommandLine } from "./command-line";

// `| head` closes the pipe when it has seen enough: no failure of ours, and what is left to write is of no use
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const manifest = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as {
  readonly version: string;
};
const { status, stdout, stderr } = runCommandLine(process.argv.slice(2), {
  environment: process.env,
  version: manifest.version,
});
// not process.exit: it would cut what a pipe has not taken yet
process.exitCode = status;
if (stdout !== "") process.stdout.write(stdout);
if (stderr !== "") process.stderr.write(stderr);
