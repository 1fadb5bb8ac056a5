// Halves the start of the process that serves dynamic resources, of which each command starts one: it loads modules that no
// resource of ours needs, among them the TypeScript compiler, npm's dependency solver and the Automation API, and zod
// loads its messages in 50 languages. Loaded with `--require`, this gives a stand-in that loads each at its first use.
const Module = require("node:module");

const unneeded = {
  "/@pulumi/pulumi/": [
    ...["@npmcli/arborist", "@opentelemetry/api", "js-yaml", "normalize-package-data", "semver", "upath"],
    ...["./automation", "./typescript-shim", "../../typescript-shim"],
  ],
  "/node_modules/zod/": ["../locales/index.cjs"],
};
const isLazy = (request, importer) =>
  Object.entries(unneeded).some(([from, modules]) => importer.includes(from) && modules.includes(request));
const load = Module._load;

Module._load = function (request, parent, ...rest) {
  if (!isLazy(request, parent?.filename ?? "")) return load.call(this, request, parent, ...rest);
  let loaded;
  const real = () => {
    loaded ??= load.call(this, request, parent, ...rest);
    return loaded;
  };
  return new Proxy(
    {},
    {
      get: (_, name) => {
        // what the compiler's `import * as` asks for before it copies every property
        if (name === "__esModule") return true;
        return name === "default" ? real() : real()[name];
      },
      has: (_, name) => name in real(),
      ownKeys: () => Reflect.ownKeys(real()),
      getOwnPropertyDescriptor: (_, name) => ({ value: real()[name], configurable: true, enumerable: true }),
    },
  );
};
