// Guards: tests of proxies that each write a site of their own: one valid site before which only what matters is said.
import type { SiteData } from "../../../provider/src/gateway/model/site";

/** A site in canonical form on 0.0.0.0:443 with a leaf of the CA "ca" and an upstream. */
export function proxySite(name: string, change: Partial<SiteData>): SiteData {
  return {
    name,
    binds: ["0.0.0.0:443"],
    tls: { selfSigned: { ca: "ca" } },
    upstream: { url: "http://127.0.0.1:8080" },
    ...change,
  };
}
