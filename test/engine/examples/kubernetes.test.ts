// examples/kubernetes as it stands, on the real engine: objects that an API server would take, and no key but in the secret.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EngineStack, programFolder } from "../../support/engine/engine";
import { refusedObjects } from "../../support/gateway/kubernetes-validator";
import { peer } from "../../support/peer";

const main = join(programFolder, "examples/kubernetes");
const RESOURCES = 4;

interface RenderedObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly data?: Readonly<Record<string, string>>;
}

describe("the Kubernetes example", () => {
  let engine: EngineStack;
  let runs = 0;
  beforeAll(async () => {
    const program = async () => {
      runs += 1;
      process.chdir(main);
      return { ...(await import(`${pathToFileURL(join(main, "index.ts")).href}?run=${runs}`)) };
    };
    engine = await EngineStack.create("kubernetes", program, { main });
  });
  afterAll(() => {
    process.chdir(programFolder);
    engine?.remove();
  });

  it("puts the objects into a secret output, and all but the Secret into the configuration", async () => {
    expect((await engine.preview()).changes).toEqual({ create: RESOURCES });
    await engine.up();
    const { objects, configuration, notes } = await engine.outputs();
    expect([objects, configuration, notes].map((output) => output?.secret)).toEqual([true, false, false]);
    const list = objects?.value as readonly RenderedObject[];
    expect(list.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      "Secret edge/files-leaf",
      "EndpointSlice edge/status-upstream",
      "Gateway edge/tls-gateway",
      "HTTPRoute edge/files",
      "HTTPRoute edge/files-redirect",
      "HTTPRoute edge/status",
      "Service edge/status-upstream",
    ]);
    expect(JSON.parse(configuration?.value).items).toEqual(list.slice(1));
    const text = (key: string) => Buffer.from(list[0]?.data?.[key] ?? "", "base64").toString("utf8");
    const certificate = new X509Certificate(text("tls.crt"));
    expect(certificate.checkHost("files.example.com")).toBeDefined();
    expect(certificate.checkPrivateKey(createPrivateKey(text("tls.key")))).toBe(true);
    const validator = peer("kubernetes-validator");
    if (validator !== undefined) expect(refusedObjects(validator.path, "1.5.1", list)).toEqual([]);
  });

  it("is the same at the second run", async () => {
    expect((await engine.up({ expectNoChanges: true })).changes).toEqual({ same: RESOURCES });
  });

  it("leaves no key in clear anywhere, and goes by destroy", async () => {
    expect(await engine.leaks()).toEqual([]);
    expect((await engine.destroy()).changes).toEqual({ delete: RESOURCES });
  });
});
