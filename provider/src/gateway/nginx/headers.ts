import { type HeaderChange, renderHsts, type SiteData } from "../model/site";
import { type Directive, directive, type Word } from "../syntax/directives";
import { expression, nginxText } from "./dialect";
import { common, type NginxVariables } from "./variables";

/**
 * What a header of a request becomes when the client sent none, and when it sent one: text of nginx inside of quotes;
 * undefined: none. Any row of changes ends in one of these.
 */
interface RequestHeader {
  readonly name: string;
  readonly absent: string | undefined;
  readonly present: string | undefined;
}

/**
 * What a header of a response becomes likewise, each entry one line. `isKept`: what the upstream sent stays, and `present`
 * comes beside it.
 */
interface ResponseHeader {
  readonly name: string;
  readonly absent: readonly string[];
  readonly present: readonly string[];
  readonly isKept: boolean;
}

/** Headers that nginx writes itself into answers of its own, where a second one would contradict. */
const ofAnswers = new Set(["content-type", "content-encoding", "location", "retry-after", "last-modified", "etag"]);

const ALWAYS = "always";
const nothing = expression("");

/**
 * The headers of requests to the upstream, for the modules `proxy` and `grpc`.
 *
 * @param own what the gateway itself says, a name and text of nginx each, undefined for a header that it takes away; a
 *   change of the site comes after it
 */
export function requestHeaders(
  { headers = [] }: SiteData,
  own: readonly (readonly [name: string, value: string | undefined])[],
  modules: readonly ("proxy" | "grpc")[],
  variables: NginxVariables,
): readonly Directive[] {
  const states = new Map<string, RequestHeader>(
    own.map(([name, value]) => [name.toLowerCase(), { name, absent: value, present: value }]),
  );
  for (const change of headers.filter(({ on }) => on === "request")) {
    const key = change.name.toLowerCase();
    const state = states.get(key) ?? { name: change.name, absent: undefined, present: variableOf("http", key) };
    states.set(key, changeRequestHeader(state, change));
  }
  return [...states].flatMap(([key, { name, absent, present }]) => {
    const value =
      absent === present
        ? expression(present ?? "")
        : expression(
            variables.map(variableOf("http", key), [
              [nothing, expression(absent ?? "")],
              ["default", expression(present ?? "")],
            ]),
          );
    return modules.map((module) => directive(`${module}_set_header`, name, value));
  });
}

function changeRequestHeader(state: RequestHeader, { action, name, value = "" }: HeaderChange): RequestHeader {
  const text = nginxText(value);
  const separator = name.toLowerCase() === "cookie" ? "; " : ", ";
  const change = (before: string | undefined): string | undefined => {
    switch (action) {
      case "set":
        return text;
      case "remove":
        return undefined;
      case "append":
        return before === undefined ? text : `${before}${separator}${text}`;
      case "addIfAbsent":
        return before ?? text;
      case "replace":
        return before === undefined ? undefined : text;
    }
  };
  return { ...state, absent: change(state.absent), present: change(state.present) };
}

/** The headers of answers to the client, those of nginx's own among them. */
export function responseHeaders(
  { headers = [], hsts }: SiteData,
  modules: readonly ("proxy" | "grpc")[],
  variables: NginxVariables,
): readonly Directive[] {
  const states = new Map<string, ResponseHeader>();
  if (hsts !== undefined) {
    const lines = [renderHsts(hsts)];
    const name = "Strict-Transport-Security";
    states.set(name.toLowerCase(), { name, absent: lines, present: lines, isKept: false });
  }
  for (const change of headers.filter(({ on }) => on === "response")) {
    const key = change.name.toLowerCase();
    const state = states.get(key) ?? { name: change.name, absent: [], present: [], isKept: true };
    states.set(key, changeResponseHeader(state, change));
  }
  return [...states].flatMap(([key, state]) => {
    const hidden = state.isKept ? [] : modules.map((module) => directive(`${module}_hide_header`, state.name));
    return [...hidden, ...addedLines(key, state, variables)];
  });
}

function changeResponseHeader(state: ResponseHeader, { action, value = "" }: HeaderChange): ResponseHeader {
  const text = nginxText(value);
  const isThere = state.isKept || state.present.length > 0;
  switch (action) {
    case "set":
      return { ...state, absent: [text], present: [text], isKept: false };
    case "remove":
      return { ...state, absent: [], present: [], isKept: false };
    case "append":
      return { ...state, absent: [...state.absent, text], present: [...state.present, text] };
    case "addIfAbsent":
      return {
        ...state,
        absent: state.absent.length > 0 ? state.absent : [text],
        present: isThere ? state.present : [text],
      };
    case "replace":
      return {
        ...state,
        absent: state.absent.length > 0 ? [text] : [],
        present: isThere ? [text] : [],
        isKept: false,
      };
  }
}

/** An empty value adds no line. */
function addedLines(key: string, state: ResponseHeader, variables: NginxVariables): readonly Directive[] {
  const sent = variableOf("upstream_http", key);
  const isOfAnswers = ofAnswers.has(key);
  const add = (value: Word): Directive => directive("add_header", state.name, value, ALWAYS);
  const isSame = JSON.stringify(state.absent) === JSON.stringify(state.present);
  if (isSame && !isOfAnswers) return state.present.map((text) => add(expression(text)));
  const conditional = (absent: string, present: string): Directive => {
    if (!isOfAnswers) {
      const entries = [[nothing, expression(absent)] as const, ["default", expression(present)] as const];
      return add(expression(variables.map(sent, entries)));
    }
    const source = isSame ? common.answered : `"${common.answered}${sent}"`;
    const entries = [
      [nothing, nothing] as const,
      ["1", expression(absent)] as const,
      ["default", expression(present)] as const,
    ];
    return add(expression(variables.map(source, entries)));
  };
  if (isSame) return state.present.map((text) => conditional(text, text));
  return [...state.absent.map((text) => conditional(text, "")), ...state.present.map((text) => conditional("", text))];
}

/** nginx's variable of a header: `$http_x_a`. */
function variableOf(prefix: "http" | "upstream_http", key: string): string {
  return `$${prefix}_${key.replaceAll("-", "_")}`;
}
