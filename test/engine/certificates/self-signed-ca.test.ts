// SelfSignedCA on the real engine: issued, renewed, replaced, adopted.
import { X509Certificate } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { SelfSignedCA, type SelfSignedCAArgs } from "pulumi-tls-gateway";
import { afterAll, describe, expect, it } from "vitest";
import { readableOutputs, useStack } from "../../support/engine/shared-stack";
import { caExtensions, day, OpensslPki } from "../../support/x509/openssl-pki";

describe("a CA that is issued here", () => {
  let args: Record<string, SelfSignedCAArgs> = {
    root: { nameConstraints: { permittedDnsDomains: ["internal", "example.com"], permittedIpRanges: ["10.0.0.0/8"] } },
    constraints: {},
    life: {},
    key: {},
    subject: { subject: { organization: "Example", commonName: "Example Root" } },
  };
  const shared = useStack("ca", () => {
    const cas = Object.entries(args).map(([name, values]) => new SelfSignedCA(name, values));
    const root = cas[0] as SelfSignedCA;
    const { certPem, fingerprintSha256, subject, keyType, validFrom, validTo, renewAt, readyForRenewal, files } = root;
    const dates = { validFrom, validTo, renewAt, readyForRenewal };
    return { certPem, fingerprintSha256, subject, keyType, ...dates, files, isSecret: pulumi.isSecret(files) };
  });

  it("shows its dates, its subject and why, before it exists", async () => {
    const { changes, messages } = await shared.engine.preview();
    expect(changes).toEqual({ create: 5 });
    const { seen } = shared;
    expect(seen).toMatchObject({ certPem: "[unknown]", keyType: "P256", subject: { commonName: "root" } });
    expect(Date.parse(seen.validTo as string) - Date.parse(seen.validFrom as string)).toBe(3650 * day - 1000);
    expect(seen.readyForRenewal).toBe(false);
    const reason = `issues a root: valid from ${seen.validFrom} to ${seen.validTo}`;
    expect(messages).toContainEqual({ on: "root", severity: "info", text: reason });
  });

  it("is a root with its key, kept as a cipher", async () => {
    const planned = shared.seen;
    expect((await shared.engine.up()).changes).toEqual({ create: 5 });
    const { seen } = shared;
    expect([seen.validFrom, seen.validTo]).toEqual([planned.validFrom, planned.validTo]);
    const certificate = new X509Certificate(seen.certPem as string);
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.fingerprint256.replaceAll(":", "").toLowerCase()).toBe(seen.fingerprintSha256);
    expect(Object.keys(seen.files as object)).toEqual(["rootCA.pem", "rootCA-key.pem"]);
    expect(seen.isSecret).toBe(true);
    const { root } = shared.engine.resources();
    expect(root?.outputs.privateKeyPem).toHaveProperty("ciphertext");
    expect(root?.outputs.certPem).toBe(seen.certPem);
    expect(String(root?.outputs.__provider).length).toBeLessThanOrEqual(80);
  });

  it("is the same at the second run, also with keys and sets in another order, and says nothing", async () => {
    args.root = {
      nameConstraints: { permittedIpRanges: ["10.0.0.0/8"], permittedDnsDomains: ["example.com", "INTERNAL"] },
    };
    args.subject = { subject: { commonName: "Example Root", organization: "Example" } };
    const { changes, messages } = await shared.engine.up({ expectNoChanges: true });
    expect(changes).toEqual({ same: 5 });
    expect(messages).toEqual([]);
  });

  it("shows each kind of change by the properties that differ, and replaces for another key or subject", async () => {
    args = {
      ...args,
      constraints: { nameConstraints: { excludedDnsDomains: ["example.org"] } },
      life: { validityDays: 730 },
      key: { keyType: "P384" },
      subject: { subject: { commonName: "Other Root", organization: "Example" } },
    };
    const { changes, steps } = await shared.engine.preview();
    expect(changes).toMatchObject({ same: 1, update: 2, replace: 2 });
    const shown = Object.fromEntries(
      steps
        .filter((step) => step.op === "update" || step.op === "replace")
        .map((step) => [step.name, Object.keys(step.detailedDiff ?? {}).sort()]),
    );
    expect(shown).toEqual({
      constraints: ["nameConstraints"],
      life: ["validTo", "validityDays"],
      key: ["keyType"],
      subject: ["subject.commonName"],
    });
  });

  it("keeps its key where it is issued anew, and gets another where it is replaced", async () => {
    const before = shared.engine.resources();
    await shared.engine.up();
    const after = shared.engine.resources();
    const keyIds = (name: string) => [before, after].map((state) => state[name]?.outputs.subjectKeyId);
    for (const name of ["constraints", "life"]) {
      expect(new Set(keyIds(name)).size).toBe(1);
      expect(after[name]?.outputs.certPem).not.toBe(before[name]?.outputs.certPem);
      expect(after[name]?.id).toBe(before[name]?.id);
    }
    for (const name of ["key", "subject"]) expect(new Set(keyIds(name)).size).toBe(2);
    const subject = new X509Certificate(after.subject?.outputs.certPem as string).subject;
    expect(subject.split("\n").sort()).toEqual(["CN=Other Root", "O=Example"]);
  });

  it("updates nothing for another policy, keeps its outputs known and renews by it", async () => {
    args.root = { ...args.root, minDaysRemaining: 1000 };
    const before = shared.seen.renewAt as string;
    expect((await shared.engine.preview({ expectNoChanges: true })).changes).toEqual({ same: 5 });
    expect(Object.values(shared.seen)).not.toContain("[unknown]");
    expect(Date.parse(shared.seen.renewAt as string)).toBeGreaterThan(Date.parse(before));
  });

  it("refuses bad input by its property, with one failure, and leaves the state as it was", async () => {
    const { root, ...others } = args;
    const state = readableOutputs(shared.engine.resources());
    for (const [bad, reason] of [
      [{ keyTyp: "P384" } as SelfSignedCAArgs, "keyTyp: there is no such property; did you mean keyType?"],
      [{ validityDays: 40_000 }, "validityDays: found 40000 days, expected at most 36525"],
    ] as const) {
      args = { root: bad, ...others };
      const text = await shared.engine.failure(() => shared.engine.up());
      args = { root: root ?? {}, ...others };
      expect(text).toContain(reason);
      expect(text).toMatch(/1 errored/);
    }
    expect(readableOutputs(shared.engine.resources())).toEqual(state);
  });

  it("changes by a refresh as little as by a run after it, and goes by destroy", async () => {
    expect((await shared.engine.refresh()).changes).toEqual({ refresh: 5 });
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 5 });
    expect(await shared.engine.leaks()).toEqual([]);
    expect((await shared.engine.destroy()).changes).toEqual({ delete: 5 });
  });
});

describe("a CA that is due", () => {
  const shared = useStack("due", () => {
    const ca = new SelfSignedCA("root", { validityDays: 90 });
    const leaf = ca.issue("leaf", { hostnames: ["a.internal"] });
    const { validFrom, validTo, renewAt, readyForRenewal } = ca;
    return { validFrom, validTo, renewAt, readyForRenewal, certPem: ca.certPem, leafPem: leaf.certPem };
  });

  it("shows in a plain preview its new dates as differences, the reason beside it, and the leaf that follows", async () => {
    await shared.engine.up();
    shared.engine.shiftClock(Date.parse(shared.seen.renewAt as string) - Date.now() + 1000);
    const { changes, steps, messages } = await shared.engine.preview();
    expect(changes).toEqual({ update: 2 });
    expect(Object.keys(steps.find((step) => step.name === "root")?.detailedDiff ?? {}).sort()).toEqual([
      "validFrom",
      "validTo",
    ]);
    const said = (name: string) => messages.filter((message) => message.on === name).map((message) => message.text);
    expect(said("root")).toEqual([
      expect.stringMatching(/^renews with the same key: valid until .* left; then valid from .* to .*/),
    ]);
    expect(said("leaf")).toEqual([expect.stringMatching(/^issues the certificate anew, since its CA changed: valid/)]);
  });

  it("renews on a plain up with the same key, and so does its leaf with a new one", async () => {
    const before = shared.engine.resources();
    const { changes, messages } = await shared.engine.up();
    expect(changes).toEqual({ update: 2 });
    expect(messages.map((message) => message.on).sort()).toEqual(["leaf", "root"]);
    const after = shared.engine.resources();
    const [old, renewed] = [before, after].map((state) => new X509Certificate(state.root?.outputs.certPem as string));
    expect(renewed?.publicKey.equals(old?.publicKey as never)).toBe(true);
    expect(Date.parse(renewed?.validTo ?? "")).toBeGreaterThan(Date.parse(old?.validTo ?? ""));
    const leaf = new X509Certificate(after.leaf?.outputs.certPem as string);
    expect(leaf.verify((renewed as X509Certificate).publicKey)).toBe(true);
    expect(leaf.publicKey.equals(new X509Certificate(before.leaf?.outputs.certPem as string).publicKey)).toBe(false);
    expect(after.leaf?.outputs.caCertPem).toBe(after.root?.outputs.certPem);
  });

  it("is the same afterwards", async () => {
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 2 });
    expect(shared.seen.readyForRenewal).toBe(false);
    expect(await shared.engine.leaks()).toEqual([]);
  });
});

describe("a CA that is adopted", () => {
  const pki = new OpensslPki();
  afterAll(() => pki.remove());
  const lately = { from: new Date(Date.now() - 200 * day), to: new Date(Date.now() + 50 * day) };
  const first = pki.issue("Adopted Root", { extensions: caExtensions(0), to: new Date(Date.now() + 1000 * day) });
  const renewed = pki.issue("Adopted Root", { extensions: caExtensions(0), keyOf: first, ...lately });
  const other = pki.issue("Other Root", { extensions: caExtensions(0) });
  const expired = pki.issue("Old Root", { extensions: caExtensions(0), to: new Date(Date.now() - 1000) });
  const passphrase = "a passphrase that nobody may read";
  const keyOptions = "-topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 1000".split(" ");
  const cipher = pki.run(["pkcs8", ...keyOptions, "-in", first.keyFile, "-passout", `pass:${passphrase}`]);
  let args: SelfSignedCAArgs = { certPem: first.pem, privateKeyPem: cipher, passphrase };
  const shared = useStack("adopted", () => {
    const ca = new SelfSignedCA("adopted", args);
    const leaf = ca.issue("leaf", { hostnames: ["a.internal"] });
    const { certPem, validTo, fingerprintSha256, subject, keyType, nameConstraints, files } = ca;
    return { certPem, validTo, fingerprintSha256, subject, keyType, nameConstraints, files, leafTo: leaf.validTo };
  });
  const isWarning = ({ severity }: { severity: string }) => severity === "warning";

  it("is known in a preview, with its key, and issues", async () => {
    expect((await shared.engine.preview()).messages.filter(isWarning)).toEqual([]);
    expect(Object.values(shared.seen)).not.toContain("[unknown]");
    expect((shared.seen.files as Record<string, string>)["rootCA-key.pem"]).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    await shared.engine.up();
    const { adopted, leaf } = shared.engine.resources();
    expect(adopted?.outputs.certPem).toBe(first.pem);
    expect(adopted?.outputs).not.toHaveProperty("passphrase");
    expect(adopted?.inputs.passphrase).toHaveProperty("ciphertext");
    const issued = new X509Certificate(leaf?.outputs.certPem as string);
    expect(issued.verify(new X509Certificate(first.pem).publicKey)).toBe(true);
  });

  it("is the same when its key comes unencrypted: the passphrase is policy", async () => {
    args = { certPem: `found by mkcert\n${first.pem}`, privateKeyPem: pulumi.secret(first.keyPem) };
    expect((await shared.engine.up({ expectNoChanges: true })).changes).toEqual({ same: 2 });
  });

  it("is updated by a certificate of the same key, and replaced by one of another", async () => {
    args = { certPem: other.pem, privateKeyPem: other.keyPem };
    const { changes } = await shared.engine.preview();
    expect(changes).toMatchObject({ replace: 1, update: 1 });
    args = { certPem: renewed.pem, privateKeyPem: first.keyPem };
    const { steps } = await shared.engine.preview();
    expect(Object.keys(steps.find((step) => step.name === "adopted")?.detailedDiff ?? {}).sort()).toEqual([
      "certPem",
      "fingerprintSha256",
      "serialNumber",
      "validFrom",
      "validTo",
    ]);
    expect((await shared.engine.up()).changes).toEqual({ update: 2 });
  });

  it("warns on itself, in every preview and up, when it ends soon", async () => {
    args = { ...args, minDaysRemaining: 100 };
    for (const run of [await shared.engine.preview(), await shared.engine.up({ expectNoChanges: true })]) {
      const text = expect.stringMatching(/^this adopted CA can't be renewed here: .* (49|50) of 250 days left/);
      expect(run.messages).toEqual([{ on: "adopted", severity: "warning", text }]);
    }
  });

  it("refuses a foreign key, an expired root and a subject of its own, and prints no key", async () => {
    for (const [bad, reason] of [
      [{ ...args, privateKeyPem: other.keyPem }, /privateKeyPem: this .* key does not belong to the certificate/],
      [{ certPem: expired.pem, privateKeyPem: expired.keyPem }, /certPem: .*Old Root.* expired on/],
      [{ ...args, subject: { commonName: "X" } }, /subject: is given beside certPem/],
    ] as const) {
      args = bad;
      expect(await shared.engine.failure(() => shared.engine.preview())).toMatch(reason);
    }
    const keyLines = [first, other, expired].map(({ keyPem }) => keyPem.split("\n")[2] as string);
    expect(await shared.engine.leaks([passphrase, ...keyLines])).toEqual([]);
  });
});
