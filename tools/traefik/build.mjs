// Builds the Traefik of the tests: its own code whole, but for what no registry serves: an empty extension, logins, and the DNS
// providers of its ACME client, which are not asked for.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const lego = { path: "github.com/go-acme/lego/v5", version: "v5.4.1" };

/**
 * Lays the module into a work folder, with the copy of lego that go.mod replaces it by.
 * @param {string} go
 * @param {string} folder of this module
 * @param {string} work an empty folder
 * @returns {string[]} the arguments of the build, but for its output
 */
export function prepare(go, folder, work) {
  const found = execFileSync(go, ["mod", "download", "-json", `${lego.path}@${lego.version}`], {
    cwd: work,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const providers = join(work, "lego/providers/dns");
  cpSync(JSON.parse(found).Dir, join(work, "lego"), {
    recursive: true,
    filter: (path) => !/\/providers\/dns\//.test(path),
  });
  execFileSync("chmod", ["-R", "u+w", join(work, "lego")]);
  rmSync(providers, { recursive: true, force: true });
  mkdirSync(providers, { recursive: true });
  cpSync(join(folder, "dns_providers.go.txt"), join(providers, "dns_providers.go"));
  for (const part of ["go.mod", "go.sum", "ext", "httpauth"])
    cpSync(join(folder, part), join(work, part), { recursive: true });
  return ["-trimpath", "-ldflags", "-s -w", "github.com/traefik/traefik/v3/cmd/traefik"];
}
