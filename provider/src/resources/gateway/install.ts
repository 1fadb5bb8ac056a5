import { TlsError } from "../../errors";
import { contentHash, type InstallPlan } from "../../gateway/install/plan";
import { renderInstallScript, renderRemoveScript } from "../../gateway/install/script";
import { type GatewayKindName, gatewayKinds } from "../../gateway/kinds";
import type { GatewayInstall, GatewayKind } from "../../gateway/model/kind";
import type { SiteData } from "../../gateway/model/site";
import { parseSites } from "../../gateway/model/text";
import type { FilledFile } from "./files";

/** What every output of a gateway is rendered from. */
export interface GatewayModel {
  readonly kind: GatewayKind<unknown>;
  readonly options: unknown;
  readonly sites: readonly SiteData[];
}

/** The model of a gateway's state. */
export function readModel([name, options, text]: [GatewayKindName, unknown, string]): GatewayModel {
  const kind = gatewayKinds[name] as unknown as GatewayKind<unknown>;
  return { kind, options: kind.parseOptions(options), sites: parseSites(text) };
}

/**
 * The install script of a gateway.
 *
 * @throws TlsError `GATEWAY_INVALID`: nothing is installed for this kind, or a key is not known here
 */
export function renderScript(gateway: string, model: GatewayModel, files: readonly FilledFile[]): string {
  const install = requireInstall(model);
  const contents = files.map(({ file, content, publicContent }) => {
    if (content === undefined) {
      throw new TlsError("GATEWAY_INVALID", `gateway ${gateway}: ${file.path} (${file.purpose}) has no content here.`, {
        hint: "its key was made elsewhere: give { certFile, keyFile } as the certificate of the site, or place the files by hand.",
      });
    }
    return { path: file.path, mode: file.mode, content, isSecret: content !== publicContent };
  });
  const texts = configurationTexts(model, install).map(([path, content]) => ({
    ...{ path, content },
    mode: "0644",
    isSecret: false,
  }));
  const plan: InstallPlan = {
    ...{ gateway, kind: model.kind.kind, install },
    contentHash: renderContentHash(model, files),
    files: [...texts, ...contents],
  };
  return renderInstallScript(plan);
}

/** The script that takes a gateway away. */
export function renderRemoval(gateway: string, model: GatewayModel): string {
  const install = requireInstall(model);
  const files = model.kind.files(model.sites, model.options).map(({ path }) => path);
  const paths = [...configurationTexts(model, install).map(([path]) => path), ...files];
  return renderRemoveScript({ gateway, kind: model.kind.kind, install, paths });
}

/** SHA-256, hex, over what is installed, but for the keys. */
export function renderContentHash(model: GatewayModel, files: readonly FilledFile[]): string {
  const install = model.kind.install?.(model.sites, model.options) ?? nowhere;
  const texts = configurationTexts(model, install);
  return contentHash({
    ...{ kind: model.kind.kind, install },
    files: [
      ...texts.map(([path, content]) => ({ path, mode: "0644", content, isSecret: false })),
      ...files.map(({ file: { path, mode }, publicContent = "" }) => ({
        path,
        mode,
        content: publicContent,
        isSecret: false,
      })),
    ],
  });
}

/** What has no machine is hashed all the same: whoever applies it wants a trigger. */
const nowhere: GatewayInstall = {
  directory: "",
  configurationFile: "configuration",
  entries: [],
  reload: "",
  probes: [],
};

/**
 * The objects of a cluster; undefined where there is none.
 *
 * @throws TlsError `GATEWAY_INVALID`: a key is not known here
 */
export function renderObjects(
  { kind, sites, options }: GatewayModel,
  files: readonly FilledFile[],
): object[] | undefined {
  if (kind.renderSecrets === undefined) return undefined;
  const filled = files.flatMap(({ file, content }) => (content === undefined ? [] : [[file.path, content] as const]));
  const list = files.map(({ file }) => file);
  const { items } = JSON.parse(kind.render(sites, options).configuration) as { readonly items: readonly object[] };
  return [...kind.renderSecrets(list, Object.fromEntries(filled), options), ...items];
}

function configurationTexts({ kind, sites, options }: GatewayModel, install: GatewayInstall): [string, string][] {
  const { configuration, texts = {} } = kind.render(sites, options);
  return [[`${install.directory}/current/${install.configurationFile}`, configuration], ...Object.entries(texts)];
}

function requireInstall({ kind, sites, options }: GatewayModel): GatewayInstall {
  const install = kind.install?.(sites, options);
  if (install !== undefined) return install;
  throw new TlsError("GATEWAY_INVALID", `a gateway of kind ${kind.kind} has no machine to install on.`, {
    hint: "use its outputs, such as kubernetesObjects, in its place.",
  });
}
