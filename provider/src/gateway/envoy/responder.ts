import { currentFolder } from "../proxy/files";
import { renderAddress } from "../proxy/listeners";
import type { Responder, ResponderKind } from "../responder/kind";
import { challengeLua } from "./acme";
import { bootstrapOf } from "./envoy";
import { envoyFiles } from "./install";
import { connectionManager, socketAddress } from "./listeners";
import { type EnvoyMessage, renderMessage, renderResponse, typed } from "./message";
import type { EnvoyOptions } from "./options";
import { openRedirect, virtualHost } from "./routes";

/** The bootstrap of a gateway with one listener: a gateway that takes its place is read by the running Envoy. */
export const envoyResponder: ResponderKind<EnvoyOptions> = {
  placement: "before",
  defaults: {},
  render: (responder, options) => ({
    configuration: renderMessage(bootstrapOf(options)),
    texts: {
      [`${currentFolder(options)}/${envoyFiles.listeners}`]: renderResponse([listener(responder)]),
      [`${currentFolder(options)}/${envoyFiles.clusters}`]: renderResponse([]),
    },
  }),
  notes: () => [],
};

function listener({ accounts, port, addresses, redirectPort }: Responder): EnvoyMessage {
  const [first = "0.0.0.0", ...more] = addresses;
  const others =
    redirectPort === undefined
      ? { match: { prefix: "/" }, direct_response: { status: 404 } }
      : openRedirect(redirectPort, port);
  const manager = connectionManager([], [virtualHost("all", ["*"], [others])], challengeLua(accounts));
  return typed("envoy.config.listener.v3.Listener", {
    // as a gateway calls it, whose listener then is a new version of this one
    name: renderAddress({ address: first, port }),
    address: socketAddress({ address: first, port }),
    ...(more.length > 0 && {
      additional_addresses: more.map((address) => ({ address: socketAddress({ address, port }) })),
    }),
    filter_chains: [{ name: "all", filters: [manager] }],
  });
}
