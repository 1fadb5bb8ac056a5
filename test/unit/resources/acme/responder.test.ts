import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { AcmeAccount } from "../../../../provider/src/resources/acme/account";
import { acmeResponder } from "../../../../provider/src/resources/acme/responder";
import { recordResources, resolved } from "../../../support/engine/mocks";

const thumbprint = `${"A".repeat(42)}E`;

describe("acmeResponder", () => {
  const resources = recordResources();

  it("takes the thumbprint of an account, and registers nothing itself", async () => {
    resources.answer(() => ({ thumbprint }));
    const made = await resources.of(async () => {
      const account = new AcmeAccount("ca", { directory: "letsencrypt", acceptTermsOfService: true });
      const responder = acmeResponder({ kind: "nginx", account });
      expect(responder.path).toBe("/etc/nginx/conf.d/zz-acme-responder.conf");
      expect(responder.commands.apply).toEqual(["nginx -t", "systemctl reload nginx"]);
      const [configuration, files, script, removal, hash] = await Promise.all([
        resolved(responder.configuration),
        resolved(responder.files),
        resolved(responder.installScript),
        resolved(responder.removeScript),
        resolved(responder.contentHash),
      ]);
      expect(configuration).toContain(`$1.${thumbprint}`);
      expect(files).toEqual({ [responder.path]: configuration });
      expect(script).toContain(hash);
      expect(removal).toContain("Removes a configuration of pulumi-tls-gateway (nginx)");
      expect(await pulumi.isSecret(responder.installScript)).toBe(false);
    });
    expect(made.map(({ type }) => type)).toEqual([AcmeAccount.__pulumiType]);
  });

  it("tells accounts by hosts, with options of its kind", async () => {
    const account = { thumbprint: pulumi.output(thumbprint) };
    const { path, files } = acmeResponder({
      kind: "caddy",
      accounts: [{ account, hostnames: ["münchen.test"] }],
      redirect: false,
      options: { configFile: "/srv/caddy.json", version: "2.11" },
    });
    expect(path).toBe("/srv/caddy.json");
    const text = (await resolved(files))[path] ?? "";
    expect(JSON.parse(text)).toMatchObject({ apps: { http: { http_port: 80 } } });
    expect(text).toContain("xn--mnchen-3ya.test");
    expect(text).toContain('"status_code": 404');
  });

  it("refuses at once what does not depend on an unknown thumbprint", () => {
    const account = { thumbprint: pulumi.output(new Promise<string>(() => {})) };
    expect(() => acmeResponder({ kind: "traefik" as never, account })).toThrow(
      "GATEWAY_INVALID: kind: traefik has no rule",
    );
    expect(() => acmeResponder({ kind: "nginx" } as never)).toThrow(
      "accounts: found object, expected a list of at least",
    );
    expect(() => acmeResponder({ kind: "nginx", account, port: 99999 })).toThrow("port: found 99999");
    expect(() => acmeResponder({ kind: "nginx", account: { thumbprint: "short" } })).toThrow(
      'accounts[0].thumbprint: found "short"',
    );
  });
});
