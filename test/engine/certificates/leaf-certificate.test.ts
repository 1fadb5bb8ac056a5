// LeafCertificate on the real engine: issued by a SelfSignedCA, renewed by itself, issued anew for each kind of change.
import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { type IssueArgs, type LeafCertificate, SelfSignedCA } from "pulumi-tls-gateway";
import { afterAll, describe, expect, it } from "vitest";
import { useStack } from "../../support/engine/shared-stack";
import { day, OpensslPki } from "../../support/x509/openssl-pki";

describe("a leaf", () => {
  const pki = new OpensslPki();
  afterAll(() => pki.remove());
  const requests = ["requested.internal", "other.internal"].map((name, index) => {
    pki.run(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", `${index}.key`]);
    const subject = ["-subj", "/", "-addext", `subjectAltName=DNS:${name}`];
    return pki.run(["req", "-new", "-config", "ca.cnf", "-key", `${index}.key`, ...subject]);
  });
  let args: Record<string, IssueArgs> = {
    web: { hostnames: ["www.internal", "10.0.0.5", "bücher.internal"] },
    names: { hostnames: ["a.internal"] },
    usage: { hostnames: ["a.internal"] },
    key: { hostnames: ["a.internal"] },
    life: { hostnames: ["a.internal"] },
    subject: { hostnames: ["a.internal"] },
    request: { certificateRequestPem: requests[0] as string },
  };
  const shared = useStack("leaf", () => {
    const ca = new SelfSignedCA("ca", { nameConstraints: { permittedDnsDomains: ["internal"] } });
    const leaves = Object.entries(args).map(([name, values]) => ca.issue(name, values));
    // what another resource makes up is unknown until it exists
    ca.issue("derived", { hostnames: [pulumi.interpolate`${ca.subjectKeyId}.internal`] });
    const web = leaves[0] as LeafCertificate;
    const request = leaves.at(-1) as LeafCertificate;
    const { hostnames, validFrom, validTo, renewAt, renewalReason, readyForRenewal, certPem, fullChainPem } = web;
    const dates = { validFrom, validTo, renewAt, renewalReason, readyForRenewal };
    const isKeySecret = pulumi.isSecret(web.privateKeyPem);
    return { hostnames, ...dates, certPem, fullChainPem, isKeySecret, requestKey: request.privateKeyPem };
  });

  it("shows its canonical names and its dates before its CA exists, and leaves unknown names alone", async () => {
    const { changes, messages } = await shared.engine.preview();
    expect(changes).toEqual({ create: 9 });
    const { seen } = shared;
    expect(seen).toMatchObject({
      hostnames: ["10.0.0.5", "www.internal", "xn--bcher-kva.internal"],
      certPem: "[unknown]",
    });
    expect(Date.parse(seen.validTo as string) - Date.parse(seen.validFrom as string)).toBe(90 * day - 1000);
    const text = `issues a certificate: valid from ${seen.validFrom} to ${seen.validTo}`;
    expect(messages).toContainEqual({ on: "web", severity: "info", text });
  });

  it("is issued by its CA for its names, its key kept as a cipher", async () => {
    await shared.engine.up();
    const { ca, web, derived } = shared.engine.resources();
    const certificate = new X509Certificate(shared.seen.certPem as string);
    expect(certificate.verify(new X509Certificate(ca?.outputs.certPem as string).publicKey)).toBe(true);
    expect(certificate.checkHost("xn--bcher-kva.internal")).toBeDefined();
    expect(certificate.checkIP("10.0.0.5")).toBeDefined();
    expect(shared.seen).toMatchObject({ isKeySecret: true, fullChainPem: shared.seen.certPem });
    expect(web?.outputs.privateKeyPem).toHaveProperty("ciphertext");
    expect(web?.inputs.caPrivateKeyPem).toHaveProperty("ciphertext");
    expect(web?.outputs).not.toHaveProperty("caPrivateKeyPem");
    expect(derived?.outputs.hostnames).toEqual([`${ca?.outputs.subjectKeyId}.internal`]);
  });

  it("has no key in the state where a request brought one", async () => {
    const { request } = shared.engine.resources();
    expect(request?.outputs).not.toHaveProperty("privateKeyPem");
    expect(request?.outputs.hostnames).toEqual(["requested.internal"]);
    expect(shared.seen.requestKey).toBeUndefined();
  });

  it("is the same at the second run, also with its names in another order and form, and says nothing", async () => {
    args.web = { hostnames: ["xn--bcher-kva.internal", "WWW.internal", "10.0.0.5", "www.internal"] };
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 9 });
    expect(messages).toEqual([]);
    expect(Object.values(shared.seen)).not.toContain("[unknown]");
  });

  it("shows each kind of change by the properties that differ, with the reason beside it", async () => {
    args = {
      ...args,
      names: { hostnames: ["a.internal", "b.internal"] },
      usage: { hostnames: ["a.internal"], usage: "client" },
      key: { hostnames: ["a.internal"], keyType: "P384" },
      life: { hostnames: ["a.internal"], validityDays: 30, minDaysRemaining: 5 },
      subject: { hostnames: ["a.internal"], subject: { organization: "Example" } },
      request: { certificateRequestPem: requests[1] as string },
    };
    const { changes, steps, messages } = await shared.engine.preview();
    expect(changes).toEqual({ same: 3, update: 6 });
    const updates = steps.filter((step) => step.op === "update");
    expect(Object.fromEntries(updates.map((step) => [step.name, Object.keys(step.detailedDiff ?? {}).sort()]))).toEqual(
      {
        names: ["hostnames[1]"],
        usage: ["usage"],
        key: ["keyType"],
        life: ["minDaysRemaining", "validTo", "validityDays"],
        subject: ["subject"],
        request: ["certificateRequestPem", "hostnames[0]"],
      },
    );
    const reasons = new Map(messages.map((message) => [message.on, message.text.split(": ")[0]]));
    expect(Object.fromEntries(reasons)).toEqual({
      names: "issues the certificate anew, since hostnames changed",
      usage: "issues the certificate anew, since usage changed",
      key: "issues the certificate anew, since keyType changed",
      life: "issues the certificate anew, since validityDays changed",
      subject: "issues the certificate anew, since subject changed",
      request: "issues the certificate anew, since hostnames, certificateRequestPem changed",
    });
  });

  it("is issued anew in place, with another key", async () => {
    const before = shared.engine.resources();
    expect((await shared.engine.up()).changes).toEqual({ same: 3, update: 6 });
    const after = shared.engine.resources();
    const keys = [before, after].map((state) => new X509Certificate(state.names?.outputs.certPem as string).publicKey);
    expect(keys[0]?.equals(keys[1] as never)).toBe(false);
    expect(after.names?.id).toBe(before.names?.id);
    const client = new X509Certificate(after.usage?.outputs.certPem as string);
    expect(client.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(new X509Certificate(after.key?.outputs.certPem as string).publicKey.asymmetricKeyDetails).toEqual({
      namedCurve: "secp384r1",
    });
  });

  it("refuses a name outside of its CA's constraints and a life that is too long, and keeps the state", async () => {
    const { web, ...others } = args;
    const state = shared.engine.resources();
    const cases: [IssueArgs, string][] = [
      [{ hostnames: ["www.example.com"] }, "hostnames: the CA may not issue for www.example.com"],
      [{ hostnames: ["a..internal"] }, "hostnames[0]: "],
      [{ ...web, validityDays: 826 }, "validityDays: found 826 days, expected at most 825"],
    ];
    for (const [bad, reason] of cases) {
      args = { web: bad, ...others };
      const text = await shared.engine.failure(() => shared.engine.preview());
      args = { web: web as IssueArgs, ...others };
      expect(text).toContain(reason);
    }
    expect(shared.engine.resources()).toEqual(state);
  });

  it("changes by a refresh as little as by a run after it", async () => {
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 9 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 9 });
  });

  it("warns on itself of a life that some clients refuse", async () => {
    args.life = { hostnames: ["a.internal"], validityDays: 500 };
    const { messages } = await shared.engine.preview();
    const text = expect.stringContaining("validityDays is 500: some clients refuse more than 398");
    expect(messages).toContainEqual({ on: "life", severity: "warning", text });
  });

  it("left no key in clear anywhere", async () => {
    const keyLines = ["0.key", "1.key"].map((file) => pki.run(["pkey", "-in", file]).split("\n")[2] as string);
    expect(await shared.engine.leaks(keyLines)).toEqual([]);
  });
});

describe("a leaf that is due", () => {
  const shared = useStack("due", () => {
    const ca = new SelfSignedCA("ca");
    const leaf = ca.issue("leaf", { hostnames: ["a.internal"], validityDays: 90 });
    const { validFrom, renewAt, readyForRenewal, renewalReason, certPem } = leaf;
    return { validFrom, renewAt, readyForRenewal, renewalReason, certPem };
  });

  it("shows in a plain preview its new dates as differences and the reason beside it", async () => {
    await shared.engine.up();
    expect(shared.seen.renewalReason).toMatch(/^renews from .* on, with 3\d days of 90 days left$/);
    shared.engine.shiftClock(Date.parse(shared.seen.renewAt as string) - Date.now() + 1000);
    const { changes, steps, messages } = await shared.engine.preview();
    expect(changes).toEqual({ same: 1, update: 1 });
    const step = steps.find(({ name }) => name === "leaf");
    expect(Object.keys(step?.detailedDiff ?? {}).sort()).toEqual(["validFrom", "validTo"]);
    const text = expect.stringMatching(/^renews: valid until .* 3\d of 90 days left; then valid from .* to /);
    expect(messages).toEqual([{ on: "leaf", severity: "info", text }]);
    // dates are known to what depends on them, the certificate is not yet
    expect(shared.seen).toMatchObject({ validFrom: expect.stringMatching(/Z$/), certPem: "[unknown]" });
  });

  it("renews on a plain up, and is the same afterwards", async () => {
    const before = shared.engine.resources();
    const { changes, messages } = await shared.engine.up();
    expect(changes).toEqual({ same: 1, update: 1 });
    expect(messages.map(({ on, text }) => [on, text.split(":")[0]])).toEqual([["leaf", "renews"]]);
    const after = shared.engine.resources();
    expect(new X509Certificate(after.leaf?.outputs.certPem as string).validToDate.getTime()).toBe(
      Date.parse(after.leaf?.outputs.validTo as string),
    );
    expect((after.leaf?.outputs.validTo as string) > (before.leaf?.outputs.validTo as string)).toBe(true);
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 2 });
    expect(shared.seen.readyForRenewal).toBe(false);
    expect(await shared.engine.leaks()).toEqual([]);
  });
});
