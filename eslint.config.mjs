// Only the two promise rules, which Biome has no type information for; everything else is Biome's.
import tseslint from "typescript-eslint";

export default tseslint.config({
  files: ["provider/src/**/*.ts", "test/**/*.ts"],
  languageOptions: {
    parser: tseslint.parser,
    parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
  },
  plugins: { "@typescript-eslint": tseslint.plugin },
  rules: {
    "@typescript-eslint/no-floating-promises": "error",
    "@typescript-eslint/no-misused-promises": "error",
  },
});
