// Guards: a responder whose text looks right and that no CA would take. A real server is installed with it by its own script,
// Pebble validates through it, and a gateway with sites comes beside it or in its place.
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChallengeSolver } from "../../../provider/src/acme/challenge/solver";
import { contentHash, renderInstallScript } from "../../../provider/src/gateway/install/script";
import {
  type ResponderInput,
  type ResponderKindName,
  renderResponder,
  responderKinds,
} from "../../../provider/src/gateway/responders";
import { renderPrivateKey } from "../../../provider/src/x509/keys/private-key";
import { newKey, PebbleOrders, usePebble } from "../acme/pebble-orders";
import { runScript, type ScriptRun } from "../install/fixture";
import { type InstalledServer, type InstallServer, layPrograms, startInBackground } from "../install/server";
import { describeWithPeer } from "../peer";
import { freePorts } from "../ports";
import { acceptedSites } from "./cells-sites";
import { ask, exchange } from "./client";
import { kindNamed } from "./server";
import { type GatewayUpstream, startUpstream } from "./upstream";

/** What stands on the server by itself: nothing has to be put there, or taken away. */
const standing: ChallengeSolver = {
  type: "http-01",
  isStanding: true,
  refuse: () => undefined,
  present: async () => {},
  cleanUp: async () => {},
};

const path = "/.well-known/acme-challenge/";
const token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

/** Targets of a request line that begin like a challenge, and are none. */
const hostileTargets = [
  path,
  `${path}a%0d%0aX:%20y`,
  `${path}../${token}`,
  `${path}x/../${token}`,
  `${path}<script>alert(1)</script>`,
  `${path}a.b`,
  `${path}${"a".repeat(300)}`,
  `/${path}${token}`,
  `${path}/${token}`,
  `${path}${token}/`,
  `${path}${token}?x=<b>`,
  `${path}${token}?`,
  `${path}${token}%00`,
  `${path}%61bc`,
  `/x/..${path}${token}`,
  path.toUpperCase() + token,
];

/** Twenty names of a test. */
function twenty(of: string): readonly string[] {
  return Array.from({ length: 20 }, (_, index) => `n${index}.${of}.test`);
}

/** Tries all of it. */
export function responderTrial(server: InstallServer): void {
  describeWithPeer("pebble", () => describe(`a responder on ${server.kind}`, () => answers(server)));
}

function answers(server: InstallServer): void {
  const kindName = server.kind as ResponderKindName;
  const isBeside = responderKinds[kindName].placement === "beside";
  const used = usePebble({ defaultIPv4: "127.0.0.1", defaultIPv6: "::1" });
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "responder-trial-")));
  const key = newKey("P256");
  let other: PebbleOrders;
  let installed: InstalledServer;
  let environment: Readonly<Record<string, string>>;
  let upstream: GatewayUpstream;
  let tlsPort = 0;
  let ownPort = 0;
  let fullChainPem = "";

  beforeAll(async () => {
    const [first = 0, sparePort = 0, port = 0] = await freePorts(3);
    [ownPort, tlsPort] = [first, port];
    upstream = await startUpstream({ label: "upstream" });
    other = await PebbleOrders.open(used.pebble);
    installed = server.lay({ folder, ownPort, sparePort });
    environment = layPrograms(server.kind, folder, installed);
    startInBackground(installed, environment);
  });
  afterAll(async () => {
    await installed.stop();
    await upstream.stop();
    other.close();
    rmSync(folder, { recursive: true });
  });

  const thumbprint = () => used.orders.session.key.thumbprint;
  const target = () => ({ port: used.pebble.httpPort });
  /** As shipped a script waits for ten seconds; a busy machine may need more. */
  const run = (script: string, patience = 60): Promise<ScriptRun> => {
    const patient = script
      .replaceAll("/run/systemd/system", join(folder, "systemd"))
      .replace("acme_end=$(($(date +%s) + 10))", `acme_end=$(($(date +%s) + ${patience}))`)
      .replace(/^ {2}patience=\d+$/m, `  patience=${patience}`);
    return runScript(["dash"], patient, environment);
  };
  /** Of the server; of what lies beside the gateway's file its own folder and file. */
  const render = (more: Partial<ResponderInput> = {}, options: object = {}) => {
    const gatewayFile = String(installed.options.configFile);
    const own = {
      directory: join(folder, "responder"),
      configFile: gatewayFile.replace(/[^/]+$/, "zz-responder.conf"),
    };
    return renderResponder(
      kindName,
      {
        accounts: [{ thumbprint: thumbprint() }],
        port: used.pebble.httpPort,
        addresses: ["127.0.0.1", "::1"],
        redirect: tlsPort,
        ...more,
      },
      { ...installed.options, directory: join(folder, "tls-gateway"), ...(isBeside && own), ...options },
    );
  };
  const issue = (orders: PebbleOrders, names: readonly string[]) => orders.issue({ names, key, solvers: [standing] });

  it("is not installed when the server says that it was told and does not answer", async () => {
    const refused = await run(render({}, { reloadCommand: "true" }).installScript, 1);
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("is not answered as it should be") });
    await expect(ask(target(), { host: "a.test" })).rejects.toThrow();
  });

  it("is installed, removed so that the server does what it did before, and does nothing the second time", async () => {
    const { installScript, removeScript } = render();
    for (const script of [installScript, removeScript]) {
      expect(await run(script)).toMatchObject({ status: 0, stderr: "" });
    }
    expect((await ask({ port: ownPort }, { host: "127.0.0.1" })).text).toBe("own");
    expect(readdirSync(folder).filter((name) => /^(responder|tls-gateway)/.test(name))).toEqual([]);
    expect(await run(installScript)).toMatchObject({ status: 0, stderr: "" });
    expect(await run(installScript)).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to do") });
  });

  it("has Pebble validate twenty names that nobody else answers", async () => {
    const issued = await issue(used.orders, twenty("alone"));
    ({ fullChainPem } = issued);
    expect(used.pebble.certificateCount()).toBe(1);
  });

  it("answers GET and HEAD as text that no browser reads otherwise", async () => {
    const request = { host: "a.test", path: path + token };
    const answer = await ask(target(), request);
    expect(answer).toMatchObject({ status: 200, text: `${token}.${thumbprint()}` });
    expect(answer.all("content-type")).toEqual(["text/plain"]);
    expect(answer.all("x-content-type-options")).toEqual(["nosniff"]);
    expect(await ask(target(), { ...request, method: "HEAD" })).toMatchObject({ status: 200, length: 0 });
    for (const method of ["POST", "PUT", "OPTIONS", "DELETE", "TRACE"]) {
      expect((await ask(target(), { ...request, method })).status, method).not.toBe(200);
    }
  });

  it("answers nothing that only begins like a challenge, and repeats none of it", async () => {
    for (const asked of hostileTargets) {
      const text = await exchange(target(), `GET ${asked} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
      const [head = "", body = ""] = text.split("\r\n\r\n");
      expect(head, asked).toMatch(/^HTTP\/1\.[01] (308|4\d\d) /);
      expect(head, asked).not.toMatch(/^X:/im);
      expect(body, asked).not.toMatch(/<script>|<b>/);
      expect(text, asked).not.toContain(thumbprint());
    }
  });

  it("sends everything else on to https with path and query, and no host that is none", async () => {
    const { status, all } = await ask(target(), { host: `a.test:${used.pebble.httpPort}`, path: "/a%20b//c?d=%41&e" });
    expect([status, ...all("location")]).toEqual([308, `https://a.test:${tlsPort}/a%20b//c?d=%41&e`]);
    const text = await exchange(target(), 'GET / HTTP/1.1\r\nHost: a"><script>\r\nConnection: close\r\n\r\n');
    expect(text).not.toContain("<script>");
  });

  it("tells accounts by the host, each of which gets its own names alone", async () => {
    const theirs = other.session.key.thumbprint;
    const hostnames = ["one.other.test", "two.other.test", "127.0.0.1", "::1"];
    const accounts = [{ thumbprint: theirs, hostnames }, { thumbprint: thumbprint() }];
    expect(await run(render({ accounts }).installScript)).toMatchObject({ status: 0, stderr: "" });
    await issue(other, hostnames);
    await issue(used.orders, ["three.other.test"]);
    await expect(issue(other, ["three.other.test"])).rejects.toThrow(/unauthorized/i);
    await expect(issue(used.orders, ["one.other.test"])).rejects.toThrow(/unauthorized/i);
    expect(await run(render({ redirect: false }).installScript)).toMatchObject({ status: 0, stderr: "" });
    expect((await ask(target(), { host: "a.test" })).status).toBe(404);
    expect((await ask(target(), { host: "a.test", path: path + token })).text).toBe(`${token}.${thumbprint()}`);
  });

  it("stays right with a gateway on the same port, for names with a site and without", async () => {
    expect(await run(gatewayScript())).toMatchObject({ status: 0, stderr: "" });
    const names = [...twenty("alone").slice(0, 9), "plain.test", "x.wild.test", ...twenty("siteless").slice(0, 9)];
    await issue(used.orders, names);
    const [site = ""] = twenty("alone");
    const { status, all } = await ask(target(), { host: site, path: "/p?q" });
    expect([status, ...all("location")]).toEqual([308, `https://${site}:${tlsPort}/p?q`]);
    const tls = { ca: await used.pebble.roots(), servername: site };
    const secure = await ask({ port: tlsPort, tls }, { host: `${site}:${tlsPort}`, path: "/p?q" });
    expect(secure.echo()).toMatchObject({ upstream: "upstream", url: "/p?q" });
    const page = await ask(target(), { host: "plain.test", path: `${path}a.b` });
    expect([page.status, ...page.all("x-content-type-options")]).toEqual([503]);
  });

  it("answers nothing else by the gateway, whatever the host", async () => {
    for (const asked of hostileTargets) {
      for (const host of ["n0.alone.test", "plain.test", "nobody.test"]) {
        const text = await exchange(target(), `GET ${asked} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        expect(text, `${host} ${asked}`).toMatch(/^HTTP\/1\.[01] [345]\d\d /);
        expect(text, `${host} ${asked}`).not.toContain(thumbprint());
      }
    }
  });

  it("leaves the port to the gateway, also with another account, and is removed while that serves", async () => {
    // another text than the one that is installed
    const again = await run(render({ redirect: 8443 }).installScript);
    expect(again).toMatchObject({ status: 0, stderr: "" });
    // a program changes the gateway's account after that of the responder
    const foreign = await run(render({ accounts: [{ thumbprint: "A".repeat(43) }] }).installScript);
    expect(foreign.status).toBe(0);
    if (isBeside)
      expect([again.stdout, foreign.stdout]).toEqual([
        expect.stringContaining("installed"),
        expect.stringContaining("installed"),
      ]);
    else expect(again.stdout).toContain("nothing to do: a gateway has taken over");
    expect(foreign.stderr).toMatch(isBeside ? /^$/ : /does not answer challenges of http-01 for this account/);
    await issue(used.orders, [...twenty("alone").slice(0, 3), "x.wild.test", "plain.test"]);
    expect(await run(render().removeScript)).toMatchObject({ status: 0, stderr: "" });
    await issue(used.orders, twenty("alone"));
  });

  function gatewayScript(): string {
    const kind = kindNamed(server.kind);
    const options = kind.parseOptions({
      ...installed.options,
      directory: join(folder, "tls-gateway"),
      httpPort: used.pebble.httpPort,
      acmeThumbprint: thumbprint(),
    });
    const tls = { certificate: { name: "web" } };
    const binds = [`127.0.0.1:${tlsPort}`, `[::1]:${tlsPort}`];
    const plain = [`127.0.0.1:${used.pebble.httpPort}`, `[::1]:${used.pebble.httpPort}`];
    const behind = { url: `http://127.0.0.1:${upstream.port}` };
    const sites = acceptedSites(
      { name: "web", binds, hostnames: twenty("alone").slice(0, 3), tls, redirectToHttps: true, upstream: behind },
      { name: "wild", binds, hostnames: ["*.wild.test"], tls, redirectToHttps: true, upstream: behind },
      { name: "plain", binds: plain, hostnames: ["plain.test"], tls: "disabled", maintenance: {}, upstream: behind },
    );
    const problems = kind.checkSites(sites, options);
    if (problems.length > 0) throw new Error(problems.map((one) => JSON.stringify(one)).join("\n"));
    const install = kind.install?.(sites, options);
    if (install === undefined) throw new Error(`${server.kind} is installed nowhere`);
    const { configuration, texts = {} } = kind.render(sites, options);
    const written = { [`${install.directory}/current/${install.configurationFile}`]: configuration, ...texts };
    const keyPem = renderPrivateKey(key);
    const files = [
      ...Object.entries(written).map(([file, content]) => ({ path: file, content, mode: "0644", isSecret: false })),
      ...kind.files(sites, options).map(({ path: file, mode, source: { part } }) => {
        const content =
          part === "privateKeyPem" ? keyPem : part === "haproxyPem" ? fullChainPem + keyPem : fullChainPem;
        return { path: file, mode, content, isSecret: content.includes(keyPem) };
      }),
    ];
    const hash = contentHash({ kind: server.kind, install, files });
    return renderInstallScript({ gateway: "web", kind: server.kind, install, files, contentHash: hash });
  }
}
