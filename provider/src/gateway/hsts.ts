import type { Hsts } from "./model/site";

/** The value of Strict-Transport-Security: RFC 6797 section 6.1. */
export function renderHsts({ maxAgeSeconds, includeSubDomains, preload }: Hsts): string {
  return [
    `max-age=${maxAgeSeconds}`,
    ...(includeSubDomains === true ? ["includeSubDomains"] : []),
    ...(preload === true ? ["preload"] : []),
  ].join("; ");
}
