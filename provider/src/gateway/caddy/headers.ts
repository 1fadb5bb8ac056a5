import type { HeaderChange, SiteData } from "../model/site";
import { type JsonObject, literal, subroute } from "./json";

/** Headers that Caddy itself sets on each request to an upstream: changes of them are made behind its own. */
const ownHeaders = ["host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];

/** Whether Caddy sets this request header itself. */
export function isOwnHeader(name: string): boolean {
  return ownHeaders.includes(name.toLowerCase());
}

/** Handlers that change the request, in the order of the changes. */
export function requestHeaderHandlers({ headers = [] }: SiteData): readonly JsonObject[] {
  const changes = headers.filter(({ on, name }) => on === "request" && !isOwnHeader(name));
  return joinChanges(changes).map(({ condition, operations }): JsonObject => {
    const handler = { handler: "headers", request: operations };
    return condition === undefined ? handler : subroute([{ match: [{ header: condition }], handle: [handler] }]);
  });
}

/**
 * Handlers that change the response. The one behind is the first that sees it, so the last change comes first. They wait
 * for the response, whoever makes it.
 */
export function responseHeaderHandlers({ headers = [] }: SiteData): readonly JsonObject[] {
  const changes = joinChanges(headers.filter(({ on }) => on === "response"));
  return changes.reverse().map(({ condition, operations }) => ({
    handler: "headers",
    response: {
      ...operations,
      ...(condition === undefined ? { deferred: true } : { require: { headers: condition } }),
    },
  }));
}

/**
 * Changes of the headers that Caddy sets on requests, as operations of the proxy. They are always there, so that the
 * outcome is known beforehand: `host` is the name as the client sent it, whatever the upstream is called.
 */
export function ownHeaderOperations({ headers = [] }: SiteData): JsonObject {
  const set: Record<string, readonly string[]> = { Host: ["{http.request.hostport}"] };
  const add: Record<string, readonly string[]> = {};
  const removed: string[] = [];
  const names = [...new Set(headers.filter(({ on }) => on === "request").map(({ name }) => name.toLowerCase()))];
  for (const name of names.filter(isOwnHeader)) {
    const changes = headers.filter((change) => change.on === "request" && change.name.toLowerCase() === name);
    const { isKept, values } = outcome(changes);
    const shown = changes[0]?.name ?? name;
    if (name === "host") {
      const value = values.at(-1);
      if (value !== undefined) set.Host = [literal(value)];
    } else if (isKept && values.length > 0) add[shown] = values.map(literal);
    else if (values.length > 0) set[shown] = values.map(literal);
    else if (!isKept) removed.push(shown);
  }
  return {
    ...(Object.keys(add).length > 0 && { add }),
    set,
    ...(removed.length > 0 && { delete: removed }),
  };
}

/** What is left of a header that was there, after these changes. */
function outcome(changes: readonly HeaderChange[]): { isKept: boolean; values: readonly string[] } {
  let isKept = true;
  let values: readonly string[] = [];
  for (const { action, value = "" } of changes) {
    const isThere = isKept || values.length > 0;
    if (action === "append") values = [...values, value];
    else if (action === "remove") [isKept, values] = [false, []];
    else if (action === "set" || (action === "replace" && isThere)) [isKept, values] = [false, [value]];
    else if (action === "addIfAbsent" && !isThere) values = [value];
  }
  return { isKept, values };
}

interface JoinedChange {
  /** `null`: the header is absent; `[]`: it is there. */
  readonly condition?: JsonObject;
  readonly operations: JsonObject;
}

/** Neighbours that change different headers, whatever is there, are one step: Caddy goes through them in an order of its own. */
function joinChanges(changes: readonly HeaderChange[]): JoinedChange[] {
  const joined: JoinedChange[] = [];
  let open: HeaderChange[] = [];
  const close = (): void => {
    if (open.length > 0) joined.push({ operations: operationsOf(open) });
    open = [];
  };
  for (const change of changes) {
    if (change.action === "addIfAbsent" || change.action === "replace") {
      close();
      const condition = { [change.name]: change.action === "replace" ? [] : null };
      joined.push({ condition, operations: operationsOf([{ ...change, action: "set" }]) });
      continue;
    }
    if (open.some(({ name }) => name.toLowerCase() === change.name.toLowerCase())) close();
    open.push(change);
  }
  close();
  return joined;
}

function operationsOf(changes: readonly HeaderChange[]): JsonObject {
  const lines = (action: HeaderChange["action"]): JsonObject =>
    Object.fromEntries(
      changes.filter((change) => change.action === action).map(({ name, value = "" }) => [name, [literal(value)]]),
    );
  const [add, set] = [lines("append"), lines("set")];
  const removed = changes.filter(({ action }) => action === "remove").map(({ name }) => name);
  return {
    ...(Object.keys(add).length > 0 && { add }),
    ...(Object.keys(set).length > 0 && { set }),
    ...(removed.length > 0 && { delete: removed }),
  };
}
