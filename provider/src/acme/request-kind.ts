import type { AcmeDirectory } from "./client/directory";

/** What a request is, for a limiter that knows the CA's limits. */
export type RequestKind = "nonce" | "account" | "order" | "other" | "renewal-info" | "directory";

/** The kind of a request by its URL; "other" for all before the directory is known. */
export function kindOf(url: string, directory: AcmeDirectory | undefined): RequestKind {
  if (directory === undefined) return "other";
  if (url === directory.newAccount) return "account";
  if (url === directory.newOrder) return "order";
  return directory.renewalInfo !== undefined && url.startsWith(`${directory.renewalInfo}/`) ? "renewal-info" : "other";
}
