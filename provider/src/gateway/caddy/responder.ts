import { renderAddress } from "../proxy/listeners";
import type { Responder, ResponderKind } from "../responder/kind";
import { challengeRoutes } from "./acme";
import { caddyTexts } from "./install";
import { answer, renderJson } from "./json";
import type { CaddyOptions } from "./options";
import { openRedirect, withoutServer } from "./routes";

/** A whole configuration: a Caddy has one document. */
export const caddyResponder: ResponderKind<CaddyOptions> = {
  placement: "before",
  defaults: {},
  render: (responder, options) => ({
    configuration: renderJson({
      admin: { listen: options.admin },
      apps: { http: { http_port: responder.port, servers: { "acme-responder": server(responder) } } },
    }),
    texts: caddyTexts(options),
  }),
  notes: () => [],
};

function server({ accounts, port, addresses, redirectPort }: Responder) {
  return {
    // of one family: Go takes 0.0.0.0 for [::] too otherwise
    listen: addresses.map((address) => `tcp${address.includes(":") ? 6 : 4}/${renderAddress({ address, port })}`),
    routes: [
      withoutServer,
      ...challengeRoutes(accounts),
      { handle: [redirectPort === undefined ? answer(404) : openRedirect(redirectPort)] },
    ],
    errors: { routes: [withoutServer] },
    automatic_https: { disable: true },
    protocols: ["h1"],
  };
}
