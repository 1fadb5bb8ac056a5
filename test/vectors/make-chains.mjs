// Makes the certificate chains of test/vectors/chains anew, by openssl: `node test/vectors/make-chains.mjs`.
// Keys are random, so every file changes; what is expected of a case does not. See test/vectors/chains/README.md.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { caCases } from "./make-chains/ca.mjs";
import { constraintsCases } from "./make-chains/constraints.mjs";
import { datesCases } from "./make-chains/dates.mjs";
import { inputsCases } from "./make-chains/inputs.mjs";
import { keysCases } from "./make-chains/keys.mjs";
import { Maker } from "./make-chains/maker.mjs";
import { namesCases } from "./make-chains/names.mjs";
import { orderCases } from "./make-chains/order.mjs";
import { pathCases } from "./make-chains/path.mjs";
import { pkcs12Cases } from "./make-chains/pkcs12.mjs";
import { purposesCases } from "./make-chains/purposes.mjs";
import { strengthCases } from "./make-chains/strength.mjs";

const families = {
  inputs: inputsCases,
  pkcs12: pkcs12Cases,
  keys: keysCases,
  order: orderCases,
  path: pathCases,
  dates: datesCases,
  names: namesCases,
  ca: caCases,
  constraints: constraintsCases,
  purposes: purposesCases,
  strength: strengthCases,
};

const folder = join(import.meta.dirname, "chains");
const made = Object.entries(families).map(([family, makeCases]) => {
  const maker = new Maker();
  try {
    return [family, makeCases(maker)];
  } finally {
    maker.remove();
  }
});

// only now: a failure half way leaves the old files whole
for (const name of readdirSync(folder)) if (name.endsWith(".json")) rmSync(join(folder, name));
for (const [family, cases] of made) {
  writeFileSync(join(folder, `${family}.json`), `${JSON.stringify({ family, cases }, null, 2)}\n`);
  console.log(`${family}: ${cases.length} cases`);
}
