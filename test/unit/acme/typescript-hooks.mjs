// Lets a child process of a test run our TypeScript as it stands: Node strips the types, this finds the files, whose
// imports have no extension. Use: node --import <this file> <program>.ts
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

registerHooks({
  resolve(specifier, context, next) {
    if (!/^\.{1,2}\//.test(specifier) || context.parentURL === undefined) return next(specifier, context);
    const url = new URL(specifier.endsWith(".ts") ? specifier : `${specifier}.ts`, context.parentURL);
    if (!existsSync(fileURLToPath(url))) return next(specifier, context);
    return { url: url.href, format: "module-typescript", shortCircuit: true };
  },
});
