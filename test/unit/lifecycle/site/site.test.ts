import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { UNKNOWN } from "../../../../provider/src/lifecycle/lifecycle";
import { site } from "../../../../provider/src/lifecycle/site/site";
import { checked, created, refused, TODAY } from "../../../support/engine/lifecycle";
import { reversedKeys, siteArbitrary } from "../../../support/gateway/site-arbitraries";

const web = { name: "web", binds: ["share.test:443"], tls: { selfSigned: {} } };

test("whatever the order of keys and sets, the result is the same, and it is accepted as it is", () => {
  fc.assert(
    fc.property(siteArbitrary, (args) => {
      const once = checked(site, { ...args });
      const { url, ...again } = once;
      expect(checked(site, again, TODAY, once)).toEqual(once);
      expect(checked(site, { ...reversedKeys(args), binds: [...args.binds].reverse() })).toEqual(once);
      expect(new URL(url as string).protocol).toBe(
        args.externalUrl === undefined && args.tls === "disabled" ? "http:" : "https:",
      );
    }),
  );
});

describe("check", () => {
  it("keeps what was given to say none, so that the output is known", () => {
    const given = { ...web, hostnames: [], redirectToHttps: false };
    expect(checked(site, given)).toEqual({ ...given, url: "https://share.test" });
  });

  it("leaves out the names that a certificate covers, which would show each of its changes here again", () => {
    const certificate = { name: "shop", hostnames: ["share.test"], root: true };
    expect(checked(site, { ...web, tls: { certificate } }).tls).toEqual({ certificate: { name: "shop", root: true } });
  });

  it("tells every fault, each with its path, as whole sentences", () => {
    const failures = refused(site, { ...web, binds: ["a", "b:99999"], hostname: [], grpcPort: 0 });
    expect(failures.map((failure) => failure.split(":")[0]).sort()).toEqual([
      "binds[0]",
      "binds[1]",
      "grpcPort",
      "hostname",
    ]);
    for (const failure of failures) expect(failure).toMatch(/[^.]\.$/);
  });

  it("takes null for absent", () => {
    expect(checked(site, { ...web, hostnames: null, maintenance: null })).toEqual({
      ...web,
      url: "https://share.test",
    });
  });
});

describe("in a preview", () => {
  test.each(["name", "binds", "hostnames", "externalUrl", "tls", "headers", "routing", "maintenance", "grpcPort"])(
    "an unknown %s stays unknown, and so does the URL; the rest is judged",
    (property) => {
      const args = { ...web, redirectToHttps: true, [property]: UNKNOWN };
      expect(checked(site, args)).toEqual({ ...args, url: UNKNOWN });
      expect(refused(site, { ...args, redirectToHttps: 5 })).toEqual([
        expect.stringMatching(/^redirectToHttps: found 5/),
      ]);
    },
  );

  it("a misspelt property is refused even while its value is unknown", () => {
    expect(refused(site, { ...web, bind: UNKNOWN })).toEqual([expect.stringMatching(/^bind: .*did you mean binds\?/)]);
  });
});

describe("a gateway that asks Let's Encrypt by itself", () => {
  const asking = (staging: boolean, names = ["share.test"]) => {
    const letsEncrypt = { email: "ops@share.test", acceptEula: true, ...(staging && { staging }) };
    return checked(site, { name: "web", binds: [`${names[0]}:443`], hostnames: names, tls: { letsEncrypt } });
  };

  it("is warned of when it is told to ask production for names that were never tried at staging", () => {
    const warning = { warning: expect.stringMatching(/production for share\.test, which was not tried at staging/) };
    expect(site.explain?.(undefined, asking(false), TODAY)).toEqual(warning);
    expect(site.explain?.(checked(site, web), asking(false), TODAY)).toEqual(warning);
    expect(site.explain?.(asking(true, ["a.test"]), asking(false), TODAY)).toEqual(warning);
  });

  it("is left alone at staging, after it, and when it goes on as it is", () => {
    expect(site.explain?.(undefined, asking(true), TODAY)).toBeUndefined();
    expect(site.explain?.(asking(true), asking(false), TODAY)).toBeUndefined();
    expect(site.explain?.(asking(false), { ...asking(false), redirectToHttps: true }, TODAY)).toBeUndefined();
    expect(site.explain?.(undefined, checked(site, web), TODAY)).toBeUndefined();
  });
});

test("a site exists in the state only", async () => {
  const { inputs, state } = await created(site, web);
  expect(state).toEqual(inputs);
  expect(await site.create(inputs, { now: TODAY })).toEqual({ id: "web", outputs: {} });
  expect(site.delete).toBeUndefined();
});
