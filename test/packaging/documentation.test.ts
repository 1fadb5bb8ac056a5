// Guards that every public class, function, type and member of ours has a doc comment: editors show it at each use.
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const provider = join(import.meta.dirname, "../../provider");
const entry = join(provider, "src/index.ts");

test("each public name and member is documented", { timeout: 120_000 }, () => {
  const { members, undocumented } = readPublicNames();
  expect(members).toBeGreaterThan(700);
  expect(undocumented).toEqual([]);
});

/** Everything that the package exports, and every member of it that this package declares. */
function readPublicNames(): { readonly members: number; readonly undocumented: readonly string[] } {
  const { config } = ts.readConfigFile(join(provider, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, provider);
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} exports nothing`);
  const names: { readonly name: string; readonly symbol: ts.Symbol }[] = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    names.push({ name: symbol.name, symbol });
    const types = [checker.getDeclaredTypeOfSymbol(symbol)];
    if ((symbol.flags & ts.SymbolFlags.Class) !== 0) types.push(checker.getTypeOfSymbol(symbol));
    for (const member of types.flatMap((type) => type.getProperties())) {
      if (isOwn(member)) names.push({ name: `${symbol.name}.${member.name}`, symbol: member });
    }
  }
  const undocumented = names.filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0);
  return { members: names.length, undocumented: undocumented.map(({ name }) => name) };
}

/** Whether a member is declared here, and for others to use. */
function isOwn({ name, declarations = [] }: ts.Symbol): boolean {
  if (name === "prototype" || name.startsWith("__") || declarations.length === 0) return false;
  return declarations.every((declaration) => {
    const { fileName } = declaration.getSourceFile();
    const isPrivate = (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) !== 0;
    return fileName.startsWith(join(provider, "src")) && !isPrivate;
  });
}
