// What a gateway does with options.acmeThumbprint.
import { describe, expect, it } from "vitest";
import { gatewayKinds } from "../../../../provider/src/gateway/kinds";
import type { GatewayKind } from "../../../../provider/src/gateway/model/kind";
import type { ProxyOptions } from "../../../../provider/src/gateway/proxy/options";
import { responderKinds } from "../../../../provider/src/gateway/responders";
import { acceptedSites } from "../../../support/gateway/cells-sites";

const acmeThumbprint = `${"A".repeat(42)}E`;
const upstream = { url: "http://10.0.0.5:8080" };
const tls = { certificate: { name: "c" } };
const secure = { name: "secure", binds: [":443"], hostnames: ["a.test"], tls, upstream };
const plain = { name: "plain", binds: [":8080"], hostnames: ["a.test"], tls: "disabled", upstream };

describe.each(Object.keys(responderKinds))("a gateway of kind %s", (name) => {
  const kind = gatewayKinds[name as keyof typeof responderKinds] as unknown as GatewayKind<ProxyOptions>;

  /** How often the answer stands in all texts, and the ports. */
  function answered(sites: readonly object[], options: object = { acmeThumbprint }) {
    const [accepted, parsed] = [acceptedSites(...sites), kind.parseOptions(options)];
    expect(kind.checkSites(accepted, parsed)).toEqual([]);
    const { configuration, texts = {} } = kind.render(accepted, parsed);
    const text = [configuration, ...Object.values(texts)].join("\n");
    const ports = kind.firewallPorts(accepted, parsed).map(({ port, reason }) => `${port}: ${reason}`);
    return { count: text.split(acmeThumbprint).length - 1, ports };
  }

  it("answers on the port of plain HTTP where sites redirect, and on no other", () => {
    const { count, ports } = answered([{ ...secure, redirectToHttps: true }, plain]);
    expect(count).toBeGreaterThan(0);
    expect(ports).toContain("80: redirect from HTTP to HTTPS; challenges http-01 of the CA");
    expect(answered([{ ...secure, redirectToHttps: true }, plain], {}).count).toBe(0);
  });

  it("listens there without any site that does", () => {
    const { count, ports } = answered([secure]);
    expect(count).toBeGreaterThan(0);
    expect(ports).toContain("80: challenges http-01 of the CA");
    expect(answered([secure], {}).ports).toEqual(["443: HTTPS of the sites"]);
  });

  it("can't where the port has TLS", () => {
    const options = kind.parseOptions({ acmeThumbprint, httpPort: 443 });
    const [problem] = kind
      .checkSites(acceptedSites(secure), options)
      .filter(({ reason }) => reason.includes("http-01"));
    expect(problem).toMatchObject({ site: "secure", property: "binds" });
  });

  it("takes nothing for a thumbprint that is none", () => {
    for (const value of ["", "abc", `${acmeThumbprint}A`, `${"A".repeat(42)}"`, 7]) {
      expect(() => kind.parseOptions({ acmeThumbprint: value })).toThrow(
        /options\.acmeThumbprint: found .* 43 characters/,
      );
    }
  });
});

it.each(["traefik", "cells", "kubernetes"] as const)("%s has no such option", (name) => {
  expect(() => gatewayKinds[name].parseOptions({ acmeThumbprint })).toThrow("options.acmeThumbprint is not an option");
});
