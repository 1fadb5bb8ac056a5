// Guards the time of a run: each process of Pulumi loads the TypeScript compiler and npm's dependency solver, for the
// serialisation of closures that no resource of ours needs. They take two thirds of its start. Loaded with `--require`, this
// gives a stand-in that loads them at the first use.
const Module = require("node:module");

const isLazy = (request) => request.endsWith("/typescript-shim") || request === "@npmcli/arborist";
const load = Module._load;

Module._load = function (request, parent, ...rest) {
  if (!isLazy(request) || !parent?.filename?.includes("/@pulumi/pulumi/"))
    return load.call(this, request, parent, ...rest);
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
