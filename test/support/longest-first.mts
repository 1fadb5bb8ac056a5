// Guards the time of the whole suite: a long file that begins last runs alone at the end, with a core that has nothing to do.
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files of more than about twenty seconds, longest first; the summary of a run names the ten slowest. */
const longest: readonly string[] = [
  "engine/acme/recovery",
  "engine/examples/letsencrypt",
  "peers/gateway/install/nginx",
  "peers/gateway/install/haproxy",
  "peers/gateway/install/apache",
  "peers/gateway/install/caddy",
  "peers/gateway/install/killed",
  "engine/adapter/adapter",
  "peers/gateway/traefik",
  "peers/gateway/apache",
  "peers/gateway/caddy",
  "peers/gateway/haproxy",
  "peers/gateway/nginx",
  "engine/acme/orphan",
  "engine/acme/dns-validated",
  "peers/gateway/install/ownership",
  "peers/gateway/install/attackers",
  "peers/gateway/install/script",
  "peers/gateway/install/hazards",
  "engine/examples/stateless",
  "engine/examples/dns-validated",
  "engine/examples/readme",
  "engine/acme/certificate",
  "engine/certificates/self-signed-ca",
  "engine/examples/standing-records",
  "peers/acme/certificate",
  "engine/acme/standing",
  "peers/acme/order",
  "engine/adapter/preview-truth",
  "engine/adapter/reasons",
];
/** The rest, by the time that a file of a project usually takes. */
const projects = ["engine", "packaging", "peers", "fuzz", "unit"];

/** Starts the longest files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification) => {
      const place = longest.indexOf(relative(this.ctx.config.root, moduleId).replace(/^test\/|\.test\.ts$/g, ""));
      return place < 0 ? longest.length + projects.indexOf(project.name) : place;
    };
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
