import { type HeaderChange, isTlsSite, renderHsts, type SiteData } from "../model/site";
import { type EnvoyMessage, typed } from "./message";

/** Our five changes are those of Envoy: `HeaderValueOption.HeaderAppendAction`. */
const appendActions = {
  append: "APPEND_IF_EXISTS_OR_ADD",
  addIfAbsent: "ADD_IF_ABSENT",
  set: "OVERWRITE_IF_EXISTS_OR_ADD",
  replace: "OVERWRITE_IF_EXISTS",
} as const;

/** The filter that changes headers, in the order of the changes, on answers of Envoy's own too. */
export const HEADER_FILTER = "envoy.filters.http.header_mutation";

/** Of the header Host only {@link hostRewrite} can change the value. */
function isHost({ on, name }: HeaderChange): boolean {
  return on === "request" && name.toLowerCase() === "host";
}

/**
 * All changes of a site's headers. What the upstream is told of the client stands before the user's changes, so that those
 * win; what the client said of itself is overwritten.
 */
export function headerMutations(site: SiteData): EnvoyMessage {
  const changes = (site.headers ?? []).filter((change) => !isHost(change));
  const request = [
    overwrite("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
    overwrite("x-forwarded-proto", isTlsSite(site) ? "https" : "http"),
    overwrite("x-forwarded-host", "%REQ(:AUTHORITY)%"),
    ...changes.filter(({ on }) => on === "request").map(mutation),
  ];
  const response = [
    ...(site.hsts === undefined ? [] : [overwrite("strict-transport-security", renderHsts(site.hsts))]),
    ...changes.filter(({ on }) => on === "response").map(mutation),
  ];
  return typed("envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute", {
    mutations: { request_mutations: request, ...(response.length > 0 && { response_mutations: response }) },
  });
}

/** What the upstream gets as Host in place of what the client sent: every request has one, so "set" and "replace" are one. */
export function hostRewrite(site: SiteData): EnvoyMessage {
  const value = site.headers?.filter(isHost).at(-1)?.value;
  return value === undefined ? {} : { host_rewrite_literal: value };
}

/** A per cent sign would begin a command operator of Envoy's formatter. */
function mutation({ action, name, value = "" }: HeaderChange): EnvoyMessage {
  if (action === "remove") return { remove: name };
  return {
    append: { header: { key: name, value: value.replaceAll("%", "%%") }, append_action: appendActions[action] },
  };
}

function overwrite(key: string, value: string): EnvoyMessage {
  return { append: { header: { key, value }, append_action: appendActions.set } };
}
