import * as pulumi from "@pulumi/pulumi";
import { TlsError } from "../../errors";
import type { GatewayFile } from "../../gateway/model/kind";
import { readPemBlocks } from "../../x509/asn1/pem";
import { readCertificate } from "../../x509/certificate/certificate";
import type { SelfSignedCA } from "../certificate/self-signed-ca";
import type { GatewayCertificate } from "./certificate-reference";

/** The resources that the files of a gateway come from, each by the name in {@link GatewayFile.source}. */
export interface FileSources {
  readonly certificate: ReadonlyMap<string, GatewayCertificate>;
  readonly leaf: ReadonlyMap<string, GatewayCertificate>;
  readonly ca: ReadonlyMap<string, SelfSignedCA>;
  /** PEM by the name of the site. */
  readonly upstream: ReadonlyMap<string, pulumi.Output<string>>;
  readonly clientAuth: ReadonlyMap<string, pulumi.Output<string>>;
}

/** A file with its content; none: the key was made elsewhere, from a request, and is on the server already. */
export interface FilledFile {
  readonly file: GatewayFile;
  readonly content: string | undefined;
  /** What of the content is no secret: all, nothing, or of `haproxyPem` the certificates. */
  readonly publicContent: string | undefined;
}

/** Puts the contents into the files; secret as a whole. */
export function fillFiles(
  list: pulumi.Output<readonly GatewayFile[]>,
  sources: FileSources,
): pulumi.Output<readonly FilledFile[]> {
  const parts = collectParts(sources);
  const contents = pulumi.all(parts.map((part) => part.content));
  return pulumi.secret(
    pulumi.all([list, contents]).apply(([files, texts]) => {
      const byKey = new Map(parts.map((part, index) => [part.key, texts[index] ?? undefined]));
      const find = ({ of, name }: GatewayFile["source"], part: GatewayFile["source"]["part"]) =>
        byKey.get(keyOf({ of, name, part }));
      return files.map((file): FilledFile => {
        const { source } = file;
        const content = find(source, source.part);
        if (source.part === "privateKeyPem") return { file, content, publicContent: undefined };
        if (source.part === "caPem" && content !== undefined) checkAuthorities(source, content);
        if (source.part !== "haproxyPem") return { file, content, publicContent: content };
        const [chain, key] = [find(source, "fullChainPem"), find(source, "privateKeyPem")];
        const isWhole = chain !== undefined && key !== undefined;
        return { file, content: isWhole ? `${chain}${key}` : undefined, publicContent: chain };
      });
    }),
  ) as pulumi.Output<readonly FilledFile[]>;
}

/** Path -> content, secret as a whole; a file without content has no entry. */
export function renderFiles(files: pulumi.Output<readonly FilledFile[]>): pulumi.Output<Record<string, string>> {
  return (files as pulumi.Output<FilledFile[]>).apply((filled) =>
    Object.fromEntries(
      filled.flatMap(({ file, content }) => (content === undefined ? [] : [[file.path, content] as const])),
    ),
  );
}

/** @throws TlsError `CERTIFICATE_INVALID`: no PEM of certificates; told here, since the text passes no check */
function checkAuthorities({ of, name }: GatewayFile["source"], text: string): void {
  const what = `site "${name}", ${of === "upstream" ? "upstream.rootCaPem" : "clientAuth.caPem"}`;
  const blocks = readPemBlocks(text, what);
  for (const { label, der } of blocks) {
    if (label === "CERTIFICATE") readCertificate(der);
    else
      throw new TlsError("CERTIFICATE_INVALID", `${what}: found a block ${label}, expected certificates alone.`, {
        hint: "give the certificate of the authority, such as ca.certPem; its key stays where it is.",
      });
  }
  if (blocks.length > 0) return;
  throw new TlsError("CERTIFICATE_INVALID", `${what}: found no certificate.`, {
    hint: "give the certificate of the authority in PEM, such as ca.certPem.",
  });
}

interface Part {
  readonly key: string;
  readonly content: pulumi.Output<string | undefined>;
}

const fileParts = ["fullChainPem", "certPem", "privateKeyPem", "issuerPem"] as const;

function collectParts(sources: FileSources): readonly Part[] {
  const parts: Part[] = [];
  for (const of of ["certificate", "leaf"] as const) {
    for (const [name, certificate] of sources[of]) {
      for (const part of fileParts) parts.push({ key: keyOf({ of, name, part }), content: certificate[part] });
    }
  }
  for (const [name, ca] of sources.ca)
    parts.push({ key: keyOf({ of: "ca", name, part: "certPem" }), content: ca.certPem });
  for (const of of ["upstream", "clientAuth"] as const) {
    for (const [name, content] of sources[of]) parts.push({ key: keyOf({ of, name, part: "caPem" }), content });
  }
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
