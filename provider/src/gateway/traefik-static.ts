import type { Listener } from "./proxy/listeners";
import { entryPointsOf, renderYaml } from "./traefik/names";
import type { TraefikOptions } from "./traefik/options";

/** For a whole request with its body, which Traefik would give up after a minute: an upload takes as long as a line is slow. */
const requestTimeout = "3600s";

/** The static configuration: where to listen, and where the rest lies. Traefik reads it at its start alone. */
export function renderStatic(listeners: readonly Listener[], { dynamicDirectory }: TraefikOptions): string {
  const points = entryPointsOf(listeners).map(({ name, address, listener: { proxyProtocol } }) => [
    name,
    {
      address,
      transport: { respondingTimeouts: { readTimeout: requestTimeout } },
      ...(proxyProtocol !== undefined && { proxyProtocol: { trustedIPs: proxyProtocol.trusted } }),
      // paths pass as they come; where they are judged, the ambiguous are refused. A semicolon in a query would become `&`
      http: { sanitizePath: false, encodeQuerySemicolons: true },
    },
  ]);
  return renderYaml({
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    entryPoints: Object.fromEntries(points),
    providers: { file: { directory: dynamicDirectory, watch: true } },
  });
}
