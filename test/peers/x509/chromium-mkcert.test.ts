// A real browser trusts what our CA issues once mkcert has installed our CA's files, and not before; it also trusts what
// mkcert issues from them. What the browser did is read at its DevTools and at the server, not off the pictures.
import { execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfSignedCa } from "../../../provider/src/lifecycle/local/self-signed-ca";
import { created, issuer, leafOf } from "../../support/engine/lifecycle";
import { describeWithPeer } from "../../support/peer";

const MARKER = "opened without a warning";
const LIMIT_SECONDS = 150;
const artefacts = join(import.meta.dirname, "../../artefacts");
/** On such a system (Fedora, CentOS) mkcert would write into it as well, by sudo. */
const hasSystemDatabase = existsSync("/etc/pki/nssdb");

describeWithPeer("chromium", ({ path: chromium }) => {
  describeWithPeer("certutil", ({ path: certutil }) => {
    describeWithPeer("mkcert", ({ path: mkcert }) => {
      describe.skipIf(hasSystemDatabase)("and a home of its own", () => {
        const folder = mkdtempSync(join(tmpdir(), "tls-gateway-chromium-"));
        const [home, caroot] = [join(folder, "home"), join(folder, "caroot")];
        const database = `sql:${join(home, ".pki/nssdb")}`;
        const environment = { PATH: `${dirname(certutil)}:${process.env.PATH}`, HOME: home };
        const sites: Site[] = [];
        let rootPem: string;
        let ours: Site;
        let foreign: Site;

        const runCertutil = (...args: string[]) => execFileSync(certutil, [...args, "-d", database], { stdio: "pipe" });
        const runMkcert = (...args: string[]) =>
          execFileSync(mkcert, args, { env: { ...environment, CAROOT: caroot, TRUST_STORES: "nss" }, stdio: "pipe" });
        const open = (url: string, picture?: string) =>
          visit({ chromium, environment, profile: mkdtempSync(join(folder, "profile-")), url, picture });

        async function serve(certPem: string, privateKeyPem: string): Promise<Site> {
          const site = await startSite(certPem, privateKeyPem);
          sites.push(site);
          return site;
        }

        /** A site whose certificate mkcert issues from our CA's files. */
        async function serveByMkcert(...names: string[]): Promise<Site> {
          const [cert, key] = [join(folder, "mkcert.pem"), join(folder, "mkcert-key.pem")];
          runMkcert("-cert-file", cert, "-key-file", key, ...names);
          return serve(readFileSync(cert, "utf8"), readFileSync(key, "utf8"));
        }

        beforeAll(async () => {
          const now = new Date();
          for (const path of [artefacts, caroot, join(home, ".pki/nssdb")]) mkdirSync(path, { recursive: true });
          // as a browser that was started once leaves it: mkcert installs only where there is one
          runCertutil("-N", "--empty-password");
          const nameConstraints = { permittedDnsDomains: ["localhost"], permittedIpRanges: ["127.0.0.0/8"] };
          const { state } = await created(selfSignedCa, { name: "Root for the Browser", nameConstraints }, now);
          rootPem = state.certPem as string;
          const caPrivateKeyPem = state.privateKeyPem as string;
          writeFileSync(join(caroot, "rootCA.pem"), rootPem);
          writeFileSync(join(caroot, "rootCA-key.pem"), caPrivateKeyPem, { mode: 0o600 });
          const hostnames = ["localhost", "127.0.0.1"];
          const leaf = await leafOf({ caCertPem: rootPem, caPrivateKeyPem }, { hostnames }, now);
          const other = await leafOf(await issuer({}, now), { hostnames }, now);
          ours = await serve(leaf.certPem, leaf.privateKeyPem);
          foreign = await serve(other.certPem, other.privateKeyPem);
        });
        afterAll(async () => {
          await Promise.all(sites.map((site) => site.stop()));
          rmSync(folder, { recursive: true, force: true });
        });

        it.each([
          ["localhost", "chromium-before.png"],
          ["127.0.0.1", undefined],
        ])(
          "is refused before, at %s: the browser breaks off the handshake and asks for no page",
          async (host, file) => {
            const earlier = ours.alerts.length;
            const visited = await open(`https://${host}:${ours.port}/`, file && join(artefacts, file));
            expect(visited.error).toBe("net::ERR_CERT_AUTHORITY_INVALID");
            expect(visited.security).toBe("insecure-broken");
            expect(visited.text).toContain("NET::ERR_CERT_AUTHORITY_INVALID");
            expect(visited.text).not.toContain(MARKER);
            expect(ours.requests).toEqual([]);
            const alerts = ours.alerts.slice(earlier);
            expect(alerts.length).toBeGreaterThan(0);
            for (const alert of alerts) expect(alert).toMatch(/ALERT_CERTIFICATE_UNKNOWN$/);
          },
        );

        it("is installed by mkcert from the CA's files, unchanged, for servers only", () => {
          runMkcert("-install");
          const name = `mkcert development CA ${BigInt(`0x${new X509Certificate(rootPem).serialNumber}`)}`;
          const stored = new X509Certificate(runCertutil("-L", "-a", "-n", name));
          expect(stored.fingerprint256).toBe(new X509Certificate(rootPem).fingerprint256);
          expect(runCertutil("-L").toString()).toMatch(new RegExp(`${name} +C,,`));
        });

        it.each([
          ["localhost", "chromium-after.png"],
          ["127.0.0.1", undefined],
        ])("is opened after, at %s, without a warning, by our root", async (host, file) => {
          const before = { requests: ours.requests.length, alerts: ours.alerts.length };
          const visited = await open(`https://${host}:${ours.port}/`, file && join(artefacts, file));
          expect(visited).toMatchObject({ error: undefined, text: MARKER, security: "secure" });
          expect(visited.chain).toEqual(
            [ours.certificate, rootPem].map((pem) => new X509Certificate(pem).fingerprint256),
          );
          expect(ours.requests.slice(before.requests)).toContain(`${host}:${ours.port}/`);
          expect(ours.alerts.slice(before.alerts)).toEqual([]);
        });

        it("what mkcert issued from our CA's files is opened too", async () => {
          const site = await serveByMkcert("localhost", "127.0.0.1");
          const visited = await open(`https://localhost:${site.port}/`);
          expect(visited).toMatchObject({ error: undefined, text: MARKER, security: "secure" });
          expect(visited.chain.at(-1)).toBe(new X509Certificate(rootPem).fingerprint256);
        });

        it("what another CA issued is still refused", async () => {
          const visited = await open(`https://localhost:${foreign.port}/`);
          expect(visited.error).toBe("net::ERR_CERT_AUTHORITY_INVALID");
          expect(foreign.requests).toEqual([]);
        });

        it("what mkcert issued beyond our CA's name constraints is refused", async () => {
          const site = await serveByMkcert("localhost", "bank.test");
          const visited = await open(`https://localhost:${site.port}/`);
          expect(visited.error).toBe("net::ERR_CERT_INVALID");
          expect(site.requests).toEqual([]);
        });
      });
    });
  });
});

/** A page over HTTPS on loopback, and what reached it. */
interface Site {
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  /** Host and path of each request. */
  readonly requests: readonly string[];
  /** Codes of the handshakes that failed. */
  readonly alerts: readonly string[];
  readonly stop: () => Promise<void>;
}

async function startSite(certificate: string, key: string): Promise<Site> {
  const [requests, alerts]: [string[], string[]] = [[], []];
  const server: Server = createServer({ cert: certificate, key }, (request, response) => {
    requests.push(`${request.headers.host}${request.url}`);
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>site</title><h1>${MARKER}</h1>`);
  });
  server.on("tlsClientError", (error: NodeJS.ErrnoException) => alerts.push(error.code ?? error.message));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const stop = async () => {
    const closed = once(server.close(), "close");
    server.closeAllConnections();
    await closed;
  };
  return { port, certificate, requests, alerts, stop };
}

interface Visit {
  /** Why the page was not opened. */
  readonly error: string | undefined;
  /** What a reader sees, of the page or of the browser's own error page. */
  readonly text: string;
  /** What the address bar would show: `secure`, `insecure-broken`. */
  readonly security: string;
  /** SHA-256 fingerprints of the chain that the browser settled on. */
  readonly chain: readonly string[];
}

interface VisitRequest {
  readonly chromium: string;
  readonly environment: NodeJS.ProcessEnv;
  /** An empty folder: a profile remembers exceptions, and takes the database over only once. */
  readonly profile: string;
  readonly url: string;
  /** PNG file to be written. */
  readonly picture: string | undefined;
}

const flags =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --window-size=900,600 --remote-debugging-pipe";

/** Opens a page in a new Chromium, which is ended afterwards with everything it started. */
async function visit({ chromium, environment, profile, url, picture }: VisitRequest): Promise<Visit> {
  const child = spawn(chromium, [...flags.split(" "), `--user-data-dir=${profile}`, "about:blank"], {
    env: environment,
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
  });
  const end = () => {
    const { pid, exitCode, signalCode } = child;
    // the group: it starts processes of its own
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
  };
  const limit = setTimeout(end, LIMIT_SECONDS * 1000);
  const exited = once(child, "exit");
  const written: string[] = [];
  child.stderr?.on("data", (part) => written.push(String(part)));
  const failed = exited.then(() => Promise.reject(new Error(`Chromium ended:\n${written.join("")}`)));
  try {
    return await Promise.race([failed, drive(connectDevTools(child.stdio[3] as Writable, child.stdio[4] as Readable))]);
  } finally {
    clearTimeout(limit);
    failed.catch(() => {});
    end();
    await exited;
  }

  async function drive(devTools: DevTools): Promise<Visit> {
    const { targetId } = await devTools.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await devTools.send("Target.attachToTarget", { targetId, flatten: true });
    const send = (method: string, params: object = {}) => devTools.send(method, params, sessionId as string);
    for (const domain of ["Page", "Security"]) await send(`${domain}.enable`);
    await send("Page.setLifecycleEventsEnabled", { enabled: true });
    const judged = devTools.next(
      ({ visibleSecurityState: state }) => (state as SecurityState)?.certificateSecurityState,
    );
    const { errorText, loaderId } = await send("Page.navigate", { url });
    await devTools.next((params) => params.loaderId === loaderId && params.name === "load");
    const { visibleSecurityState } = (await judged) as { visibleSecurityState: SecurityState };
    const { result } = await send("Runtime.evaluate", { expression: "document.body.innerText" });
    if (picture !== undefined) {
      const { data } = await send("Page.captureScreenshot", { format: "png" });
      writeFileSync(picture, Buffer.from(data as string, "base64"));
    }
    const { certificateSecurityState, securityState } = visibleSecurityState;
    const chain = certificateSecurityState?.certificate ?? [];
    return {
      error: errorText as string | undefined,
      text: (result as { value: string }).value,
      security: securityState,
      chain: chain.map((base64) => new X509Certificate(Buffer.from(base64, "base64")).fingerprint256),
    };
  }
}

/** `Security.VisibleSecurityState` of the DevTools protocol. */
interface SecurityState {
  readonly securityState: string;
  /** Its certificates are DER in base64. */
  readonly certificateSecurityState?: { readonly certificate: readonly string[] };
}

type Message = Readonly<Record<string, unknown>>;

interface DevTools {
  send(method: string, params: object, sessionId?: string): Promise<Message>;
  /** The parameters of the first event, past or to come, that is looked for. */
  next(isWanted: (params: Message) => unknown): Promise<Message>;
}

/** The DevTools protocol over the pipe: JSON messages that end with a zero byte. */
function connectDevTools(input: Writable, output: Readable): DevTools {
  const answers = new Map<number, (message: Message) => void>();
  const events: Message[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  output.setEncoding("utf8").on("data", (part: string) => {
    const messages = (rest + part).split("\0");
    rest = messages.pop() ?? "";
    for (const message of messages.map((text) => JSON.parse(text))) {
      if (message.id === undefined) events.push(message.params ?? {});
      else answers.get(message.id)?.(message);
    }
    for (const look of waiting) look();
  });
  // a browser that ends is told by its exit
  input.on("error", () => {});
  return {
    send: (method, params, sessionId) =>
      new Promise((resolve, reject) => {
        const id = answers.size + 1;
        answers.set(id, ({ result, error }) =>
          result === undefined ? reject(new Error(`${method}: ${JSON.stringify(error)}`)) : resolve(result as Message),
        );
        input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      }),
    next: (isWanted) =>
      new Promise((resolve) => {
        const look = () => {
          const found = events.find((params) => isWanted(params));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
