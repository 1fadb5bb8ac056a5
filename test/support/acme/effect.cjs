// Guards: an effect that is killed half way. Runs one create or update of the built provider in a process of its own, without an
// engine: stdin is JSON of the lifecycle's name, the method and its arguments.
const { readFileSync } = require("node:fs");

const { lifecycle, method, args } = JSON.parse(readFileSync(0, "utf8"));

require("pulumi-tls-gateway/provider")
  [lifecycle][method](...args)
  .then(
    () => process.stdout.write("done\n"),
    (error) => process.stdout.write(`${error.message}\n`),
  );
