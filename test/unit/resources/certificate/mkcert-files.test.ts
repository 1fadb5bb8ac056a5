// Where mkcert keeps its CA on each platform, what is read there, and what is said when it is not there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";
import {
  findCaroot,
  type MkcertEnvironment,
  readMkcertFiles,
} from "../../../../provider/src/resources/certificate/mkcert-files";
import { SelfSignedCA } from "../../../../provider/src/resources/certificate/self-signed-ca";
import { issuer } from "../../../support/engine/lifecycle";
import { recordResources } from "../../../support/engine/mocks";

const engine = recordResources();

/** The `TlsError` that is thrown. */
function failureOf(act: () => unknown): TlsError {
  try {
    act();
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the folder", () => {
  const HOME = "/home/me";
  const LocalAppData = "C:\\Users\\me\\AppData\\Local";

  it.each<[string, MkcertEnvironment["env"], string, string]>([
    ["linux", { HOME }, "/home/me/.local/share/mkcert", "HOME, mkcert's default"],
    ["freebsd", { HOME }, "/home/me/.local/share/mkcert", "HOME, mkcert's default"],
    ["linux", { HOME, XDG_DATA_HOME: "/data" }, "/data/mkcert", "XDG_DATA_HOME, mkcert's default"],
    ["linux", { HOME, XDG_DATA_HOME: "", CAROOT: "" }, "/home/me/.local/share/mkcert", "HOME, mkcert's default"],
    ["linux", { HOME, XDG_DATA_HOME: "/data", CAROOT: "/ca" }, "/ca", "the environment variable CAROOT"],
    ["linux", { HOME, LocalAppData }, "/home/me/.local/share/mkcert", "HOME, mkcert's default"],
    ["darwin", { HOME: "/Users/me" }, "/Users/me/Library/Application Support/mkcert", "HOME, mkcert's default"],
    ["darwin", { HOME, XDG_DATA_HOME: "/data" }, "/data/mkcert", "XDG_DATA_HOME, mkcert's default"],
    ["darwin", { CAROOT: "/ca" }, "/ca", "the environment variable CAROOT"],
    [
      "win32",
      { HOME, XDG_DATA_HOME: "/data", LocalAppData },
      `${LocalAppData}\\mkcert`,
      "LocalAppData, mkcert's default",
    ],
    ["win32", { LocalAppData, CAROOT: "D:\\ca" }, "D:\\ca", "the environment variable CAROOT"],
    ["win32", {}, "mkcert", "LocalAppData, mkcert's default"],
  ])("on %s with %j is %s, from %s", (platform, env, folder, origin) => {
    expect(findCaroot(undefined, { platform, env })).toEqual({ folder, origin });
    expect(findCaroot("", { platform, env })).toEqual({ folder, origin });
  });

  it.each(["linux", "darwin", "win32"])("on %s is the one that is given, before all others", (platform) => {
    const env = { HOME, XDG_DATA_HOME: "/data", CAROOT: "/ca", LocalAppData };
    expect(findCaroot("/given", { platform, env })).toEqual({ folder: "/given", origin: "the argument caroot" });
  });

  it.each(["linux", "darwin"])("on %s is unknown when no variable tells", (platform) => {
    const { code, message } = failureOf(() => findCaroot(undefined, { platform, env: { HOME: "" } }));
    expect(code).toBe("FILE_UNREADABLE");
    expect(message).toContain("none of CAROOT, XDG_DATA_HOME and HOME is set");
  });
});

describe("the files", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tls-gateway-mkcert-files-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const failure = (path = folder) => failureOf(() => readMkcertFiles({ folder: path, origin: "where it came from" }));
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);

  it("are read as they are", () => {
    write("rootCA.pem", "certificate\r\n");
    write("rootCA-key.pem", "key");
    expect(readMkcertFiles({ folder, origin: "here" })).toEqual({ certPem: "certificate\r\n", privateKeyPem: "key" });
  });

  it("without their folder: told with its path, where that came from and what to do", () => {
    const missing = join(folder, "Me2/ALongFolderName/none");
    const { code, reason, hint } = failure(missing);
    expect(code).toBe("FILE_UNREADABLE");
    expect(reason).toBe(`mkcert's CA: there is no folder ${missing} (from where it came from).`);
    expect(hint).toMatch(/^make a CA by "mkcert -install", or set CAROOT/);
  });

  it("with a file in the place of their folder: the same", () => {
    write("file", "");
    expect(failure(join(folder, "file")).reason).toContain("there is no folder");
  });

  it("without the certificate, with a key or without", () => {
    const reason = `mkcert's CA: the folder ${folder} (from where it came from) holds no rootCA.pem.`;
    expect(failure()).toMatchObject({ code: "FILE_UNREADABLE", reason });
    write("rootCA-key.pem", "key");
    expect(failure()).toMatchObject({ code: "FILE_UNREADABLE", reason });
  });

  it("without the key: told as the CA that mkcert only installs", () => {
    write("rootCA.pem", "certificate");
    const { code, reason, hint } = failure();
    expect(code).toBe("FILE_UNREADABLE");
    expect(reason).toContain(`${folder} (from where it came from) holds rootCA.pem but no rootCA-key.pem`);
    expect(reason).toContain("is only trusted and can't issue");
    expect(hint).toMatch(/^run this on the computer where mkcert made it/);
  });

  it.each(["rootCA.pem", "rootCA-key.pem"])("with %s that can't be read: told with the system's code", (file) => {
    write("rootCA.pem", "certificate");
    rmSync(join(folder, file), { force: true });
    mkdirSync(join(folder, file));
    const { code, reason } = failure();
    expect(code).toBe("FILE_UNREADABLE");
    expect(reason).toContain(`${file} in the folder ${folder} (from where it came from) could not be read (EISDIR)`);
  });

  // as long as an RSA key: the system refuses such a name with words that quote it
  it.each(["P256", "RSA4096"])("are not quoted when the %s key was given as the folder", async (keyType) => {
    const { caPrivateKeyPem } = await issuer({ keyType });
    for (const given of [caPrivateKeyPem, caPrivateKeyPem.replace(/-----.*-----|\n/g, "")]) {
      const error = failure(given);
      expect(error.message).toMatch(/found a text of \d+ characters .*, expected the path of a folder/);
      expect(`${error.stack}${error.message}`).not.toContain(caPrivateKeyPem.split("\n")[1]?.slice(0, 12));
      expect(error.cause).toBeUndefined();
    }
  });

  it("in a folder whose name no system takes: told with the system's code", () => {
    for (const path of ["a".repeat(5_000), "a\0b"]) {
      const { code, message, cause } = failure(path);
      expect(code).toBe("FILE_UNREADABLE");
      expect(message).toMatch(
        /rootCA\.pem in the folder .* could not be read \((ENAMETOOLONG|ERR_INVALID_ARG_VALUE)\)/,
      );
      expect(message.length).toBeLessThan(400);
      expect(cause).toBeUndefined();
    }
  });

  it("make a CA that is adopted: its key travels as a secret, the folder not at all", async () => {
    const { caCertPem, caPrivateKeyPem } = await issuer();
    write("rootCA.pem", caCertPem);
    write("rootCA-key.pem", caPrivateKeyPem);
    const policy = { minDaysRemaining: 5, checkIntervalHours: 12 };
    let ca: SelfSignedCA | undefined;
    const [registered] = await engine.of(() => {
      ca = SelfSignedCA.fromMkcert("local", { caroot: folder, ...policy }, { protect: true });
    });
    expect(ca).toBeInstanceOf(SelfSignedCA);
    expect(registered).toMatchObject({
      name: "local",
      inputs: { certPem: caCertPem, privateKeyPem: caPrivateKeyPem, ...policy },
      secrets: ["privateKeyPem"],
    });
    expect(JSON.stringify(registered)).not.toContain(folder);
  });

  it("are looked for before anything is registered", async () => {
    const registered = await engine.of(() => {
      expect(failureOf(() => SelfSignedCA.fromMkcert("local", { caroot: folder })).message).toContain(
        `${folder} (from the argument caroot) holds no rootCA.pem`,
      );
    });
    expect(registered).toEqual([]);
  });
});
