import { renderQuoted } from "../text/quoted";

/** Longer than any path that a person types; a component may have 255 octets. */
const LONGEST_PATH = 200;

/** Base64 of a DER sequence starts with M and a capital, that of PEM with LS0t; a path as long has a dot or a dash. */
const looksLikeKey = /^(?=.*[0-9])(M[A-Z]|LS0t)[A-Za-z0-9+/]{30,}={0,2}$/;

/** Whether what was given as a path is the content of a file instead: PEM text or its base64. */
export function isContent(path: string): boolean {
  return path.includes("-----BEGIN ") || looksLikeKey.test(path.replace(/\s+/g, ""));
}

/** Renders a path for a message: as it was given, but without what could break the line, and never the content of a key. */
export function renderPath(path: string): string {
  if (isContent(path)) return `a text of ${path.length} characters`;
  const isPlain = path !== "" && path.length <= LONGEST_PATH && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(path);
  return isPlain ? path : renderQuoted(path);
}

/** A path for data, which is not escaped; the content of a key is kept out of it likewise. */
export function shownPath(path: string): string {
  return isContent(path) ? renderPath(path) : path;
}
