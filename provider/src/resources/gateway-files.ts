import * as pulumi from "@pulumi/pulumi";
import { TlsError } from "../errors";
import type { GatewayFile } from "../gateway/kind";
import type { GatewayCertificate } from "./gateway-certificate";
import type { SelfSignedCA } from "./self-signed-ca";

/** The resources that the files of a gateway come from, each by the name in {@link GatewayFile.source}. */
export interface FileSources {
  readonly certificate: ReadonlyMap<string, GatewayCertificate>;
  readonly leaf: ReadonlyMap<string, GatewayCertificate>;
  readonly ca: ReadonlyMap<string, SelfSignedCA>;
}

/**
 * Puts the contents into the files: path -> content, secret as a whole. A key that is not in the state (it was made
 * elsewhere, from a request) has no entry: it is on the server already.
 */
export function renderFiles(
  list: pulumi.Output<readonly GatewayFile[]>,
  sources: FileSources,
): pulumi.Output<Record<string, string>> {
  const parts = collectParts(sources);
  const contents = pulumi.all(parts.map((part) => part.content));
  return pulumi.secret(
    pulumi.all([list, contents]).apply(([files, texts]) => {
      const byKey = new Map(parts.map((part, index) => [part.key, texts[index]]));
      const rendered: Record<string, string> = {};
      for (const { path, source } of files) {
        const content = byKey.get(keyOf(source));
        if (content !== undefined && content !== null) rendered[path] = content;
      }
      return rendered;
    }),
  );
}

interface Part {
  readonly key: string;
  readonly content: pulumi.Output<string | undefined>;
}

const PARTS = ["fullChainPem", "certPem", "privateKeyPem", "issuerPem"] as const;

function collectParts(sources: FileSources): readonly Part[] {
  const parts: Part[] = [];
  for (const of of ["certificate", "leaf"] as const) {
    for (const [name, certificate] of sources[of]) {
      for (const part of PARTS) parts.push({ key: keyOf({ of, name, part }), content: certificate[part] });
    }
  }
  for (const [name, ca] of sources.ca)
    parts.push({ key: keyOf({ of: "ca", name, part: "certPem" }), content: ca.certPem });
  return parts;
}

function keyOf(source: GatewayFile["source"]): string {
  return JSON.stringify([source.of, source.name, source.part]);
}

/**
 * Adds a resource by its name.
 *
 * @throws TlsError `GATEWAY_INVALID` when another resource of the same name is there: their files would be the same.
 */
export function addSource<T extends object>(sources: Map<string, T>, name: string, source: T, gateway: string): void {
  const other = sources.get(name);
  if (other !== undefined && other !== source) {
    throw new TlsError("GATEWAY_INVALID", `gateway ${gateway}: two different resources are called "${name}".`, {
      hint: "their files would have the same path: rename one of them.",
    });
  }
  sources.set(name, source);
}
