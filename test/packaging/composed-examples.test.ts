// Guards: programs of examples-cloud that no longer fit the packages which they are composed with, or say in their records
// what no CA looks for. They are judged by tsc against the real packages, and run without an engine.
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installComposedPackages, makeComposedProject } from "../support/engine/composed-packages";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const programs = ["acm-import", "cloudflare", "kubernetes-secret", "route53", "standing-records"];

/** Each line is a mistake that a user could make. */
const wrong = `import * as route53 from "@pulumi/aws/route53";
import { Secret } from "@pulumi/kubernetes/core/v1";
import { AcmeAccount, AcmeOrder, DnsValidatedCertificate } from "pulumi-tls-gateway";
declare const account: AcmeAccount;
new route53.Record("without zone", { name: "a", type: "TXT" });
new route53.Record("a", { zoneId: "z", name: "a", type: "TXT", records: new AcmeOrder("a", { account, hostnames: [] }).dnsRecord("a").name });
new Secret("a", { stringData: { "tls.key": account.status.apply(Number) } });
new DnsValidatedCertificate("a", { account, hostnames: ["a.test"], record: () => "no resource" });
`;

/** What a program registered: the composed-program.cjs beside it says so. */
interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly secrets: readonly string[];
}

const installed = await installComposedPackages();

describe("package-lock.json of the composed examples", () => {
  it("names no registry", () => {
    const lock = readFileSync(join(root, "examples-cloud/package-lock.json"), "utf8");
    expect(lock).not.toContain('"resolved"');
  });
});

if ("folder" in installed) {
  describe("the composed examples", () => judgePrograms(installed.folder));
} else if (process.env.PEERS === "required") {
  it("the composed examples", () => {
    throw new Error(`their npm packages can't be installed, and PEERS=required: ${installed.missing}`);
  });
} else {
  it.skip("the composed examples: their npm packages can't be installed here");
}

function judgePrograms(packages: string): void {
  let project: string;
  let errors: readonly string[];
  const registered = new Map<string, readonly Registered[]>();

  beforeAll(async () => {
    project = makeComposedProject(packages);
    writeFileSync(join(project, "wrong.ts"), wrong);
    // JavaScript comes of it as well, of a program with mistakes too
    const tsc = [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      project,
      "--preserveSymlinks",
      "--pretty",
      "false",
    ];
    const { stdout } = spawnSync(process.execPath, tsc, { cwd: project, encoding: "utf8" });
    errors = stdout.split("\n").filter((line) => /^\S/.test(line));
    const links = ["--preserve-symlinks", "--preserve-symlinks-main", join(project, "composed-program.cjs")];
    // what our own package needs beside the project's packages
    const env = { ...process.env, NODE_PATH: join(root, "node_modules") };
    const runs = programs.map(async (program) => {
      const { stdout: printed } = await run(process.execPath, [...links, `${program}.js`], { cwd: project, env });
      registered.set(program, JSON.parse(printed) as Registered[]);
    });
    await Promise.all(runs);
  });

  afterAll(() => {
    rmSync(project, { recursive: true, force: true });
  });

  /** The inputs of the resources of a type, by their names. */
  const inputsOf = (program: string, type: string): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      (registered.get(program) ?? []).filter((one) => one.type === type).map(({ name, inputs }) => [name, inputs]),
    );

  it.each(programs)("%s fits the packages that it imports", (program) => {
    expect(errors.filter((line) => line.startsWith(`${program}.ts`))).toEqual([]);
  });

  it("a program that does not is told, line by line, and nothing else is", () => {
    expect(errors.map((line) => line.replace(/,.*/s, ")"))).toEqual([5, 6, 7, 8].map((line) => `wrong.ts(${line})`));
  });

  it("route53 has one record set a name, its values without quotes", () => {
    const type = "aws:route53/record:Record";
    const common = { type: "TXT", ttl: 60, zoneId: "zone of aws:route53/getZone:getZone", allowOverwrite: true };
    const value = expect.stringMatching(/^[\w-]{43}$/);
    expect(inputsOf("route53", type)).toEqual({
      "web-_acme-challenge.example.com": { ...common, name: "_acme-challenge.example.com", records: [value, value] },
      shop: { ...common, name: "_acme-challenge.shop.example.com", records: [value] },
    });
  });

  it("cloudflare has one record a value, in quotes", () => {
    const records = Object.values(inputsOf("cloudflare", "cloudflare:index/dnsRecord:DnsRecord")) as {
      content: string;
    }[];
    const record = { type: "TXT", ttl: 60, name: "_acme-challenge.example.com", zoneId: expect.any(String) };
    expect(records).toEqual([1, 2].map(() => ({ ...record, content: expect.stringMatching(/^"[\w-]{43}"$/) })));
    expect(new Set(records.map(({ content }) => content)).size).toBe(2);
  });

  it("kubernetes-secret is a Secret of the type for TLS, changed in place", () => {
    expect(inputsOf("kubernetes-secret", "kubernetes:core/v1:Secret").web).toMatchObject({
      type: "kubernetes.io/tls",
      metadata: { name: "web-tls" },
      stringData: { "tls.crt": "the certificate\nits issuer\n", "tls.key": "the certificate's PRIVATE KEY" },
    });
    expect(inputsOf("kubernetes-secret", "pulumi:providers:kubernetes").cluster).toEqual({
      enableSecretMutable: "true",
    });
  });

  it("acm-import gives the certificate and its issuers apart", () => {
    expect(inputsOf("acm-import", "aws:acm/certificate:Certificate").web).toEqual({
      ...{ certificateBody: "the certificate\n", certificateChain: "its issuer\n" },
      ...{ privateKey: "the certificate's PRIVATE KEY", region: "us-east-1" },
    });
  });

  it("standing-records has TXT for the account until its day, and CAA", () => {
    const common = { ttl: 300, zoneId: expect.any(String), allowOverwrite: true };
    const account = "accounturi=https://ca.test/acct/1";
    const name = "_validation-persist.example.com";
    const until = Date.UTC(2027, 11, 31) / 1000;
    expect(inputsOf("standing-records", "aws:route53/record:Record")).toEqual({
      [name]: {
        ...{ ...common, name, type: "TXT" },
        records: [`ca.test; ${account}; policy=wildcard; persistUntil=${until}`],
      },
      "example.com": {
        ...{ ...common, name: "example.com", type: "CAA" },
        records: ["issue", "issuewild"].map(
          (tag) => `0 ${tag} "ca.test; validationmethods=dns-persist-01; ${account}"`,
        ),
      },
    });
  });

  it.each(programs)("%s hands every key on as a secret", (program) => {
    const resources = registered.get(program) ?? [];
    // the account's, and where the program uses it the certificate's
    expect(resources.filter(({ secrets }) => secrets.length > 0)).not.toEqual([]);
    for (const { name, inputs, secrets } of resources) {
      for (const [property, value] of Object.entries(inputs)) {
        const holds = JSON.stringify(value ?? null).includes("PRIVATE KEY");
        expect({ name, property, isSecret: secrets.includes(property) || !holds }).toEqual({
          name,
          property,
          isSecret: true,
        });
      }
    }
  });
}
