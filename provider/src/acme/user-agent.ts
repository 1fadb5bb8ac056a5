import { readFileSync } from "node:fs";
import { join } from "node:path";

let text: string | undefined;

/** Who asks, RFC 8555 section 6.1: CAs look for it when a client misbehaves. */
export function userAgent(): string {
  if (text === undefined) {
    const { version } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { version: string };
    text = `pulumi-tls-gateway/${version} node/${process.versions.node}`;
  }
  return text;
}
