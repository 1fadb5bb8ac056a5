// Halves the start of a Pulumi CLI that is built here. Two copies of a library that judges passwords read five word
// lists from JSON whenever the CLI starts: 0.19 s of the 0.4 s of CPU that `pulumi version` takes. The edited copies
// read them at the first password instead, which a function of the library was written for already.
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runQuiet } from "./step.mjs";

/** What is replaced in which file: each text occurs once. */
const edits = [
  {
    file: "frequency/frequency.go",
    from: "func init() {\n\tmaleFilePath",
    to: "// Load reads the lists.\nfunc Load() {\n\tmaleFilePath",
  },
  { file: "matching/matching.go", from: "func init() {\n\tloadFrequencyList()\n}\n", to: "" },
  { file: "matching/matching.go", from: "func loadFrequencyList() {\n", to: "$&\tfrequency.Load()\n" },
];

const modules = ["github.com/nbutton23/zxcvbn-go", "github.com/ccojocar/zxcvbn-go"];

/** Everything that the edits depend on beside go.mod. */
export const editsPin = JSON.stringify([modules, edits]);

/**
 * The arguments of `go build` with the edited modules, which are written to the folder. None where a release of the
 * library looks different: then the CLI is built as it is.
 * @param {string} go
 * @param {string} tools the folder of go.mod
 * @param {string} folder
 * @returns {Promise<string[]>}
 */
export async function editedModules(go, tools, folder) {
  await runQuiet(go, ["mod", "download", ...modules], { cwd: tools });
  for (const file of ["go.mod", "go.sum"]) cpSync(join(tools, file), join(folder, file));
  for (const [index, name] of modules.entries()) {
    const original = (await runQuiet(go, ["list", "-m", "-f", "{{.Dir}}", name], { cwd: tools })).trim();
    const copy = join(folder, `${index}`);
    cpSync(original, copy, { recursive: true });
    await runQuiet("chmod", ["-R", "u+w", copy]);
    if (!existsSync(join(copy, "go.mod"))) writeFileSync(join(copy, "go.mod"), `module ${name}\n`);
    if (!edits.every((edit) => applyEdit(copy, edit))) return [];
    await runQuiet(go, ["mod", "edit", `-replace=${name}=${copy}`, join(folder, "go.mod")], { cwd: tools });
  }
  return [`-modfile=${join(folder, "go.mod")}`];
}

/**
 * @param {string} folder
 * @param {(typeof edits)[number]} edit
 */
function applyEdit(folder, { file, from, to }) {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) return false;
  writeFileSync(path, text.replace(from, to));
  return true;
}
