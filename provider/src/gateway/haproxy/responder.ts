import { renderAddress } from "../proxy/listeners";
import type { Responder, ResponderKind } from "../responder/kind";
import { block, type Directive, directive, renderDirectives } from "../syntax/directives";
import { challengeAnswers } from "./acme";
import { deny, expression, haproxyDialect, not } from "./dialect";
import { defaultLines, globalLines } from "./haproxy";
import type { HaproxyOptions } from "./options";

/** A whole configuration: a second file with the same port would take a share of its connections (SO_REUSEPORT). */
export const haproxyResponder: ResponderKind<HaproxyOptions> = {
  placement: "before",
  defaults: {},
  render: (responder, options) => {
    const sections = [
      block(["global"], globalLines([], options)),
      block(["defaults"], defaultLines),
      block(["frontend", "acme-responder"], frontendLines(responder)),
    ];
    return { configuration: renderDirectives(sections, haproxyDialect).replace(/\n(?=[a-z])/g, "\n\n") };
  },
  notes: () => [],
};

function frontendLines(responder: Responder): readonly Directive[] {
  const { accounts, port, addresses } = responder;
  const places = addresses.map((address) => renderAddress({ address, port })).join(",");
  return [
    // else [::] would be IPv4 too, and its port bound twice
    directive("bind", places, ...(addresses.some((address) => address.includes(":")) ? ["v6only"] : [])),
    directive("timeout", "client", "60s"),
    ...challengeAnswers(accounts),
    ...others(responder),
  ];
}

function others({ redirectPort }: Responder): readonly Directive[] {
  if (redirectPort === undefined) {
    return [directive("http-request", "return", "status", "404", "content-type", "text/plain", "string", "404")];
  }
  const place = redirectPort === 443 ? "" : `:${redirectPort}`;
  const target = expression(`https://%[var(txn.host)]${place}%[pathq]`);
  return [
    directive("http-request", "set-var(txn.host)", expression("req.fhdr(host),host_only,lower")),
    deny(400, not("var(txn.host)", "-m", "reg", expression("^([a-z0-9._-]+|\\[[0-9a-f:.]+\\])$"))),
    directive("http-request", "redirect", "location", target, "code", "308"),
  ];
}
