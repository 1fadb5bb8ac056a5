// Guards: no text of a site becomes more than a text in the objects of a cluster. Hostile sites are judged as an API server
// does, and have as many objects, rules and filters as harmless ones.
import { expect, test } from "vitest";
import { kubernetesSecrets } from "../../../../provider/src/gateway/kubernetes/files";
import { kubernetes as kind } from "../../../../provider/src/gateway/kubernetes/kubernetes";
import type { KubernetesObject } from "../../../../provider/src/gateway/kubernetes/objects";
import type { SiteData } from "../../../../provider/src/gateway/model/site";
import { acceptedSites } from "../../../support/gateway/cells-sites";
import { refusedObjects } from "../../../support/gateway/kubernetes-validator";
import { hostileValues } from "../../../support/hostile/texts";
import { shapeOf, testHostileSites } from "../../../support/hostile/trial";
import { describeWithPeer } from "../../../support/peer";

const options = kind.parseOptions({ gatewayClassName: "envoy" });
const ground = {
  ...{ kind, options },
  binds: { tls: "0.0.0.0:443", plain: "0.0.0.0:80" },
  actions: ["set", "append", "remove"],
  effects: ["allow"],
  hosts: ["web", "a.b.svc", "10.0.0.5", "[2001:db8::5]"],
  without: ["maintenance", "clientAuth"],
} as const;

function objectsOf(list: readonly SiteData[]): readonly KubernetesObject[] {
  const files = kind.files(list, options);
  const contents = Object.fromEntries(files.map(({ path }) => [path, "text"]));
  const { items } = JSON.parse(kind.render(list, options).configuration);
  return [...kubernetesSecrets(files, contents, options), ...items];
}

/** How much there is of everything in each kind of object. */
function shape(objects: readonly KubernetesObject[]): Record<string, number> {
  return shapeOf(objects.map((object) => ({ [object.kind]: object })));
}

describeWithPeer("kubernetes-validator", ({ path: program }) => {
  testHostileSites(ground, (sites, harmless) => {
    const objects = objectsOf(sites);
    expect(refusedObjects(program, "1.5.1", objects)).toEqual([]);
    expect(shape(objects)).toEqual(shape(objectsOf(harmless)));
    const ids = objects.map(({ kind: of, metadata }) => `${of} ${metadata.namespace} ${metadata.name}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("nasty values stand in the objects octet for octet", () => {
    for (let start = 0; start < hostileValues.length; start += 16) {
      const set = hostileValues.slice(start, start + 16).map((value, index) => ({ name: `X-${index}`, value }));
      const sites = acceptedSites({
        ...{ name: "web", binds: ["web.test:443"], tls: { certificate: { name: 'a "b" $c' } } },
        headers: set.map((change) => ({ on: "response", action: "set", ...change })),
        upstream: { url: "http://web:80" },
      });
      const objects = objectsOf(sites);
      expect(refusedObjects(program, "1.5.1", objects)).toEqual([]);
      const route = objects.find(({ kind: of }) => of === "HTTPRoute");
      expect(route?.spec).toMatchObject({ rules: [{ filters: [{ responseHeaderModifier: { set } }] }] });
    }
  });
});
