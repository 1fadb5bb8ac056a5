import { renderAddress } from "../proxy/listeners";
import type { Responder, ResponderKind } from "../responder/kind";
import { block, type Directive, directive, raw, renderDirectives } from "../syntax/directives";
import { challengeAnswer } from "./acme";
import { comment, nginxDialect, pattern, returnIf } from "./dialect";
import { nginxTexts } from "./install";
import type { NginxOptions } from "./options";
import { type NginxVariables, nginxVariables } from "./variables";

/** A server for all names that no other server of nginx has. Read after a gateway, whose wildcards are patterns too. */
export const nginxResponder: ResponderKind<NginxOptions> = {
  placement: "beside",
  defaults: { directory: "/etc/nginx/acme-responder", configFile: "/etc/nginx/conf.d/zz-acme-responder.conf" },
  render: (responder, options) => ({ configuration: renderConfiguration(responder), texts: nginxTexts(options) }),
  notes: ({ port }) => [
    `A server of nginx that has a name on port ${port} wins over the responder: if it is not a gateway with options.acmeThumbprint, it has to answer the challenges of that name itself.`,
  ],
};

function renderConfiguration(responder: Responder): string {
  const { accounts, port, addresses } = responder;
  const variables = nginxVariables();
  const lines = [
    ...addresses.map((address) => directive("listen", renderAddress({ address, port }))),
    // no default_server, of which there is one: a pattern comes before it, and the empty name is that of HTTP/1.0
    directive("server_name", raw('""'), pattern("^")),
    directive("server_tokens", "off"),
    ...challengeAnswer(accounts, port, variables),
    ...others(responder, variables),
  ];
  return renderDirectives(
    [
      directive(comment, raw("Made by pulumi-tls-gateway: changes by hand are lost.")),
      ...variables.directives(),
      block(["server"], lines),
    ],
    nginxDialect,
  );
}

function others({ redirectPort }: Responder, variables: NginxVariables): readonly Directive[] {
  if (redirectPort === undefined) return [directive("return", "404")];
  const place = redirectPort === 443 ? "" : `:${redirectPort}`;
  // a host is repeated, so it must be one; HTTP/1.0 may come without
  const isNoHost = variables.map("$host", [
    [pattern(String.raw`^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$`), "0"],
    ["default", "1"],
  ]);
  return [returnIf(isNoHost, "400"), directive("return", "308", raw(`https://$host${place}$request_uri`))];
}
