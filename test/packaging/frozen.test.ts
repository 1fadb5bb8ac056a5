// FROZEN: this text stands in the state of every user, and requires the package by these names. A release that changes one of
// them makes all resources unusable: not even a destroy works. Add a line; never change one.
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import {
  AcmeAccount,
  AcmeCertificate,
  AcmeOrder,
  CertificateChain,
  Gateway,
  LeafCertificate,
  SelfSignedCA,
  Site,
} from "../../provider/src/index";
import { acmeAccount } from "../../provider/src/lifecycle/acme/account";
import { acmeCertificate } from "../../provider/src/lifecycle/acme/certificate";
import { acmeOrder } from "../../provider/src/lifecycle/acme/order";
import { certificateChain } from "../../provider/src/lifecycle/chain/certificate-chain";
import { leafCertificate } from "../../provider/src/lifecycle/local/leaf-certificate";
import { selfSignedCa } from "../../provider/src/lifecycle/local/self-signed-ca";
import { gateway } from "../../provider/src/lifecycle/site/gateway";
import { site } from "../../provider/src/lifecycle/site/site";
import * as provider from "../../provider/src/provider";
import { describeKind } from "../../provider/src/resources/base/dynamic-resource";
import { recordResources } from "../support/engine/mocks";

const require = createRequire(import.meta.url);

const frozen = [
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:SelfSignedCA",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").selfSignedCa;',
    make: () => new SelfSignedCA("a"),
    resource: SelfSignedCA,
    lifecycle: selfSignedCa,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:LeafCertificate",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").leafCertificate;',
    make: () => new LeafCertificate("a", { ca: { certPem: "x", privateKeyPem: "x" }, hostnames: ["a.test"] }),
    resource: LeafCertificate,
    lifecycle: leafCertificate,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:CertificateChain",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").certificateChain;',
    make: () => new CertificateChain("a", { certPem: "x" }),
    resource: CertificateChain,
    lifecycle: certificateChain,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:Site",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").site;',
    make: () => new Site("a", { binds: [":8080"], tls: "disabled" }),
    resource: Site,
    lifecycle: site,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:Gateway",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").gateway;',
    make: () => new Gateway("a", { kind: "cells", sites: [] }),
    resource: Gateway,
    lifecycle: gateway,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:AcmeAccount",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").acmeAccount;',
    make: () => new AcmeAccount("a", { directory: "letsencrypt-staging", acceptTermsOfService: true }),
    resource: AcmeAccount,
    lifecycle: acmeAccount,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:AcmeCertificate",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").acmeCertificate;',
    make: () => {
      const output = pulumi.output("x");
      const none = pulumi.output(undefined);
      const account = {
        accountUrl: output,
        accountKeyPem: output,
        directoryUrl: output,
        rehearsalDirectoryUrl: none,
        rehearsalAccountKeyPem: output,
        caBundlePem: none,
        requestTimeoutSeconds: none,
      };
      return new AcmeCertificate("a", { account, hostnames: ["a.test"], challenge: { type: "http-01" } });
    },
    resource: AcmeCertificate,
    lifecycle: acmeCertificate,
  },
  {
    type: "pulumi-nodejs:dynamic/tls-gateway:AcmeOrder",
    text: 'exports.handler = () => require("pulumi-tls-gateway/provider").acmeOrder;',
    make: () => {
      const output = pulumi.output("x");
      const none = pulumi.output(undefined);
      const account = {
        accountUrl: output,
        accountKeyPem: output,
        directoryUrl: output,
        rehearsalDirectoryUrl: none,
        rehearsalAccountKeyPem: output,
        caBundlePem: none,
        requestTimeoutSeconds: none,
      };
      return new AcmeOrder("a", { account, hostnames: ["a.test"] });
    },
    resource: AcmeOrder,
    lifecycle: acmeOrder,
  },
] as const;

const resources = recordResources();

describe.each(frozen)("$type", ({ type, text, make, resource, lifecycle }) => {
  test("is what the class registers, with this text to the letter", async () => {
    const made = await resources.of(make);
    expect(made.map((one) => one.type)).toEqual([type]);
    expect(made[0]?.inputs.__provider).toBe(text);
    expect(resource.__pulumiType).toBe(type);
  });

  test("has a text of at most 80 bytes", () => {
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(80);
  });

  test("runs: the text, in a module of its own, yields the provider that the package exports", () => {
    const exportName = /\.(\w+);$/.exec(text)?.[1] ?? "";
    const module = { exports: {} as { handler?: () => unknown } };
    // what Pulumi's dynamic-provider process does with it
    new Function("exports", "require", text)(module.exports, require);
    const served = module.exports.handler?.();
    expect(served).toBe((require("pulumi-tls-gateway/provider") as Record<string, unknown>)[exportName]);
    for (const method of ["check", "diff", "create", "read", "update", "delete"]) {
      expect(served).toHaveProperty(method, expect.any(Function));
    }
    expect(provider).toHaveProperty(exportName);
    expect(describeKind(lifecycle, exportName, () => lifecycle)).toMatchObject({ type, provider: text });
  });
});

test("the provider's file exports these names, and no other", () => {
  const names = frozen.map(({ text }) => /\.(\w+);$/.exec(text)?.[1]).sort();
  expect(Object.keys(provider).sort()).toEqual(names);
});
