// Guards the time of the whole suite: a long file that begins last runs alone at the end, with a core that has nothing to do.
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files of more than about twenty seconds, longest first; the summary of a run names the ten slowest. */
const longest: readonly string[] = [];
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
