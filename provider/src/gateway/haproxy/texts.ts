import { certificateFiles, clientCaFile } from "../proxy/files";
import type { Listener, ListenerSite } from "../proxy/listeners";
import { backendName } from "./dialect";
import { certificateListFile, type HaproxyFrontend, haproxyFrontends, mapFile } from "./frontends";
import type { HaproxyOptions } from "./options";

/** A line of a list of certificates takes 64 KiB and 2048 words. */
const NAMES_PER_LINE = 100;

/** Maps and lists of certificates: path -> text. */
export function haproxyTexts(
  listeners: readonly Listener[],
  options: HaproxyOptions,
): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const frontend of haproxyFrontends(listeners)) {
    texts[mapFile(frontend, options)] = renderHostMap(frontend);
    if (frontend.listeners[0].isTls)
      texts[certificateListFile(frontend, options)] = renderCertificateList(frontend, options);
  }
  return texts;
}

/** `<host> <section>` or `<host> https:<port>` a line; hosts as requests have them, IPv6 in brackets. */
function renderHostMap({ listeners: [{ sites, redirects }] }: HaproxyFrontend): string {
  const lines: string[] = [];
  const add = (names: readonly string[], value: string): void => {
    for (const name of names) lines.push(`${name.includes(":") ? `[${name}]` : name} ${value}\n`);
  };
  for (const { site, names } of sites) add(names, backendName(site.name));
  for (const { names, port } of redirects) add(names, `https:${port}`);
  return lines.join("");
}

/** The site without names first: its certificate is the one for unknown names. */
function renderCertificateList({ listeners: [{ sites }] }: HaproxyFrontend, options: HaproxyOptions): string {
  const nameless = sites.filter(({ names }) => names.length === 0);
  const named = sites.filter(({ names }) => names.length > 0);
  return [...nameless, ...named].map((one) => renderCertificate(one, options)).join("");
}

function renderCertificate({ site, names }: ListenerSite, options: HaproxyOptions): string {
  const files = certificateFiles(site, options, "single");
  if (files === undefined) return "";
  const settings: string[] = [];
  if (!isFoundByItself(files)) settings.push("key", files.keyFile);
  const authorities = clientCaFile(site, options);
  if (authorities !== undefined) settings.push("ca-file", authorities, "verify", "required");
  const start = settings.length === 0 ? files.certFile : `${files.certFile} [${settings.join(" ")}]`;
  // HAProxy 2.6 takes the first certificate for unknown names, 3.0 one with `*`; neither matches a name by it
  if (names.length === 0) return `${start} *\n`;
  const lines: string[] = [];
  for (let index = 0; index < names.length; index += NAMES_PER_LINE) {
    lines.push(`${start} ${names.slice(index, index + NAMES_PER_LINE).join(" ")}\n`);
  }
  return lines.join("");
}

/** Whether HAProxy finds the key without being told: in the certificate's own file, or beside it. */
export function isFoundByItself({
  certFile,
  keyFile,
}: {
  readonly certFile: string;
  readonly keyFile: string;
}): boolean {
  return keyFile === certFile || keyFile === `${certFile}.key`;
}
