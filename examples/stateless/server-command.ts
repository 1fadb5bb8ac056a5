// Stands for command.remote.Command of @pulumi/command: runs a command on the server, which here is this machine.
import * as pulumi from "@pulumi/pulumi";

/** As those of `command.remote.Command`, without its connection. */
export interface ServerCommandArgs {
  /** Run at first, and again when anything of the arguments has changed. */
  readonly create: pulumi.Input<string>;
  /** What it reads. It may hold keys: it is a secret in the state, and stands in no file. */
  readonly stdin: pulumi.Input<string>;
}

interface Command {
  readonly create: string;
  readonly stdin: string;
}

/** A command that was run on the server. Destroying it leaves the server as it is. */
export class ServerCommand extends pulumi.dynamic.Resource {
  /** What the last run printed. */
  declare public readonly stdout: pulumi.Output<string>;

  constructor(name: string, args: ServerCommandArgs, opts?: pulumi.CustomResourceOptions) {
    const inputs = { ...args, stdin: pulumi.secret(args.stdin), stdout: undefined };
    super(provider, name, inputs, opts, "local", "ServerCommand");
  }
}

const provider: pulumi.dynamic.ResourceProvider<Command, Command & { readonly stdout: string }> = {
  create: async (inputs) => ({ id: inputs.create, outs: { ...inputs, stdout: await run(inputs) } }),
  update: async (_id, _olds, news) => ({ outs: { ...news, stdout: await run(news) } }),
};

async function run({ create, stdin }: Command): Promise<string> {
  // required here: the engine keeps the text of this function, and none of the module
  const { spawn }: typeof import("node:child_process") = require("node:child_process");
  const child = spawn("/bin/sh", ["-c", create], { stdio: ["pipe", "pipe", "pipe"], timeout: 60_000 });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // a command that ends without reading all of it says why by its status
  child.stdin.on("error", () => {}).end(stdin);
  const status = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (status !== 0) throw new Error(`${create} ended with status ${status}: ${stderr}${stdout}`);
  return stdout;
}
