import { renderAddress } from "../proxy/listeners";
import type { Responder, ResponderKind } from "../responder/kind";
import { block, type Directive, directive, raw, renderDirectives } from "../syntax/directives";
import { answeredPort, challengeRules } from "./acme";
import { NOBODY } from "./configuration";
import { apacheDialect } from "./dialect";
import { apacheTexts } from "./install";
import { type ApacheOptions, loadModules } from "./options";
import { hostSettings, redirectRules } from "./rules";

/**
 * A virtual host for all names that no other has: the first of its port, so it has no name of its own. It steps back where a
 * gateway, which is read before it, has the port and answers.
 */
export const apacheResponder: ResponderKind<ApacheOptions> = {
  placement: "beside",
  defaults: {
    directory: "/etc/apache2/acme-responder",
    configFile: "/etc/apache2/conf-enabled/zz-acme-responder.conf",
  },
  render: (responder, options) => ({
    configuration: renderConfiguration(responder, options),
    texts: apacheTexts(options),
  }),
  isReplaced: ({ port }) => `apache2ctl -t -D DUMP_RUN_CFG 2>/dev/null | grep -q '^Define: ${answeredPort(port)}$'`,
  notes: ({ port }, { listen }) => [
    `A virtual host of Apache that has a name on port ${port} wins over the responder: if it is not a gateway with options.acmeThumbprint, it has to answer the challenges of that name itself.`,
    ...(listen && port === 80
      ? [
          "Debian's /etc/apache2/ports.conf listens on port 80 by itself: give options.listen false, or take its line away.",
        ]
      : []),
  ],
};

function renderConfiguration(responder: Responder, options: ApacheOptions): string {
  const { accounts, port, redirectPort } = responder;
  const places = placesOf(responder);
  const host = [
    directive("ServerName", NOBODY),
    ...hostSettings(),
    ...challengeRules(accounts),
    ...(redirectPort === undefined
      ? [directive("RewriteRule", "^", "-", raw("[R=404,L]"))]
      : redirectRules(redirectPort)),
  ];
  const lines: readonly Directive[] = [
    ...loadModules(["authz_core", "headers", "rewrite"], options),
    directive("ServerTokens", "Prod"),
    // no block: the check of a set takes lines away that begin with Listen
    directive(raw(`<IfDefine !${answeredPort(port)}>`)),
    ...(options.listen ? places.map((place) => directive("Listen", place.replace(/^\*:/, ""))) : []),
    block(["VirtualHost", ...places.map((place) => place.replace(/^(0\.0\.0\.0|\[::\]):/, "*:"))], host),
    directive(raw("</IfDefine>")),
  ];
  return renderDirectives(lines, apacheDialect);
}

/** All addresses of IPv4 and of IPv6 are one for Apache: `*`. */
function placesOf({ addresses, port }: Responder): readonly string[] {
  const isAll = addresses.includes("0.0.0.0") && addresses.includes("::");
  const single = addresses.filter((address) => !isAll || (address !== "0.0.0.0" && address !== "::"));
  return [...(isAll ? [`*:${port}`] : []), ...single.map((address) => renderAddress({ address, port }))];
}
