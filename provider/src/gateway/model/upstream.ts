import { readUpstreamUrl } from "./fields";
import type { SiteData } from "./site";

/** The upstream of a site with everything said that its kind implies. */
export interface EffectiveUpstream {
  readonly scheme: "http" | "https" | "h2c";
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host:port`, IPv6 in brackets. */
  readonly authority: string;
  /** The name that an https upstream is verified by; sent as SNI unless it is an address. */
  readonly serverName: string;
  /** Requests of gRPC go as HTTP/2. */
  readonly grpc: boolean;
  /** Bodies pass as they come, both ways. */
  readonly isStreamed: boolean;
  readonly connectSeconds: number;
  readonly responseSeconds: number;
  readonly tunnelSeconds: number;
}

/** What a proxy waits where nothing is said; nginx and HAProxy speak of a minute for answers too. */
const defaults = { connectSeconds: 10, responseSeconds: 60, tunnelSeconds: 3600 };

/** Uploads of Cells are as long as a user's line is slow, and it answers when they are through. */
const CELLS_RESPONSE_SECONDS = 3600;

/**
 * What the site's upstream needs of a proxy; undefined without one. `kind: "cells"` brings gRPC for CellsSync, streamed
 * bodies, and an hour for answers; all else that Cells needs (WebSocket, the host as sent) every upstream gets.
 */
export function effectiveUpstream({ upstream, timeouts }: SiteData): EffectiveUpstream | undefined {
  if (upstream === undefined) return undefined;
  const isCells = upstream.kind === "cells";
  const { scheme, host, port } = readUpstreamUrl(upstream.url);
  return {
    scheme,
    host,
    port,
    authority: host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
    serverName: upstream.serverName ?? host,
    grpc: upstream.grpc === true || isCells,
    isStreamed: isCells,
    ...defaults,
    ...(isCells && { responseSeconds: CELLS_RESPONSE_SECONDS }),
    ...timeouts,
  };
}
