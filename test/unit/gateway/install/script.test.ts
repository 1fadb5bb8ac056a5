import { describe, expect, it, test } from "vitest";
import {
  contentHash,
  type InstallFile,
  type InstallPlan,
  renderInstallScript,
  renderRemoveScript,
} from "../../../../provider/src/gateway/install/script";
import type { GatewayInstall } from "../../../../provider/src/gateway/model/kind";
import { directoryOption } from "../../../../provider/src/gateway/syntax/options";
import { shellQuoted, shellWord } from "../../../../provider/src/gateway/syntax/shell";

const certificate = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const key = (text: string) => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`;

const install: GatewayInstall = {
  directory: "/etc/web.d/tls-gateway",
  configurationFile: "web.conf",
  entries: [{ path: "/etc/web.d/web.conf", file: "web.conf", how: "link" }],
  readers: { user: "web", group: "web" },
  check: 'web -t "$set/check/web.conf"',
  reload: "web reload",
  probes: [
    { address: "::1", port: 443, serverName: "a.test", certificate: "/etc/web.d/tls-gateway/current/certs/a.pem" },
  ],
};

const file = (path: string, content: string, mode = "0644"): InstallFile => ({
  path: path.startsWith("/") ? path : `${install.directory}/current/${path}`,
  ...{ mode, content, isSecret: content.includes("PRIVATE") },
});

const files = [
  file("web.conf", "it's `a` $b\n"),
  file("certs/a.pem", certificate("AAAA")),
  file("certs/a-key.pem", key("KKKK"), "0600"),
];

const plan = (changes: Partial<InstallPlan> = {}): InstallPlan => {
  const whole = { gateway: "web", kind: "web", install, files, contentHash: "", ...changes };
  return { ...whole, contentHash: contentHash(whole) };
};
const script = (changes?: Partial<InstallPlan>) => renderInstallScript(plan(changes));

describe("an install script", () => {
  it("runs nothing but functions before its last line", () => {
    const lines = script().split("\n");
    expect(lines.slice(-2)).toEqual(["{ main; exit; }", ""]);
    // contents are in functions, whose bodies are indented or between the braces of a column
    const outside = script()
      .replaceAll(/'(?:[^']|'\\'')*'/g, "''")
      .split("\n")
      .filter((line) => /^[a-z_]/.test(line) && !/^[a-z_]+\(\) \{/.test(line));
    expect(outside).toEqual(['web -t "$set/check/web.conf"', "web reload"]);
  });

  it("has each file's content as one quoted word, with the mask of its mode", () => {
    expect(script()).toContain(`  "$1" 'web.conf' 133 'it'\\''s \`a\` $b\n'\n`);
    expect(script()).toContain(`  "$1" 'certs/a-key.pem' 177 '${key("KKKK")}'\n`);
    expect(script()).toContain(
      "each_pair() {\n  \"$1\" 'certs/a.pem' 'certs/a-key.pem' 'certs/a.pem' 'certs/a-key.pem'\n}\n",
    );
  });

  it("judges texts beside links to the other files", () => {
    expect(script()).toContain("each_text() {\n  \"$1\" 'web.conf' 133\n}\n");
    expect(script()).toContain("each_check_link() {\n  \"$1\" 'certs' '../certs'\n}\n");
    const mixed = [...files, file("certs/list.txt", "a.pem\n")];
    expect(script({ files: mixed })).toContain(
      "each_check_link() {\n  \"$1\" 'certs/a-key.pem' '../../certs/a-key.pem'\n  \"$1\" 'certs/a.pem' '../../certs/a.pem'\n}\n",
    );
  });

  it("makes a link of a file outside of the folder, whose place in a set hangs on its path alone", () => {
    const outside = [...files, file("/var/app/b.pem", certificate("BBBB"))];
    const place = /link' '\/var\/app\/b\.pem' '(outside\/[0-9a-f]{12}-b\.pem)'/.exec(script({ files: outside }))?.[1];
    expect(place).toBeDefined();
    const more = [...outside, file("/var/app/a.pem", certificate("BBBB"))];
    expect(script({ files: more })).toContain(`"$1" 'link' '/var/app/b.pem' '${place}'`);
  });

  it("writes an IPv6 address in brackets, and names the file of the set", () => {
    expect(script()).toContain(`"$1" '[::1]:443' 'a.test' 'certs/a.pem'`);
  });

  it("takes each folder that the options take", () => {
    const directory = "/srv/Az_0.9/a@b+c-d/tls-gateway";
    expect(directoryOption("/")(directory, "options.directory")).toBe(directory);
    const renamed = files.map((one) => ({ ...one, path: one.path.replace(install.directory, directory) }));
    expect(script({ install: { ...install, directory }, files: renamed })).toContain(`  directory='${directory}'\n`);
  });

  it.each([
    ["a mode that lets files be run", { files: [file("x", "", "0755")] }, /mode 0755/],
    ["a path with dots", { files: [file("../x", "")] }, /no absolute path/],
    ["a path of two lines", { files: [file("a\nb", "")] }, /no absolute path/],
    ["NUL in a content", { files: [file("x", "a\0b")] }, /NUL/],
    ["a folder that the shell would take apart", { install: { ...install, directory: "/etc/a b" } }, /plain letters/],
    ["a user that is an option", { install: { ...install, readers: { user: "--reference=/x" } } }, /not a name/],
    ["a group of two words", { install: { ...install, readers: { group: "a b" } } }, /not a name/],
    ["a name of two lines", { gateway: "a\nb" }, /control character/],
  ])("refuses %s", (_, changes, message) => {
    expect(() => script(changes)).toThrow(message);
  });

  it("is a text within a script that can give up root where the service has a folder of its own", () => {
    const within = script();
    const whole = script({ install: { ...install, serviceFolder: "/etc/web.d" } });
    expect(whole).toContain("script_within() {\n  printf '%s' '");
    expect(whole).toContain("\nrun_as_account() { # number\n");
    expect(within).not.toContain("run_as_account()");
    expect(whole.endsWith("\n{ main; exit; }\n")).toBe(true);
  });

  it("has no key in the script that removes", () => {
    const removal = renderRemoveScript({ ...plan(), paths: files.map(({ path }) => path) });
    expect(removal).not.toMatch(/KKKK|AAAA|PRIVATE/);
    expect(removal.endsWith("\n{ main; exit; }\n")).toBe(true);
  });
});

describe("the hash of an installation", () => {
  const first = contentHash(plan());

  it("is that of the certificates, whatever the keys and the order of the files are", () => {
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(contentHash(plan({ files: [...files].reverse() }))).toBe(first);
    const without = files.map((one) => (one.isSecret ? { ...one, content: "" } : one));
    expect(contentHash({ kind: "web", install, files: without })).toBe(first);
    const both = (text: string) => ({
      kind: "web",
      install,
      files: [file("x.pem", certificate("AAAA") + text, "0600")],
    });
    expect(contentHash(both(key("KKKK")))).toBe(contentHash(both("")));
  });

  const changed: readonly [string, Partial<InstallPlan>][] = [
    ["a certificate", { files: [...files.slice(0, 1), file("certs/a.pem", certificate("AAAB")), ...files.slice(2)] }],
    ["the configuration", { files: [file("web.conf", "other\n"), ...files.slice(1)] }],
    ["a mode", { files: [file("web.conf", "it's `a` $b\n", "0640"), ...files.slice(1)] }],
    ["a path", { files: [file("web2.conf", "it's `a` $b\n"), ...files.slice(1)] }],
    ["who reads the keys", { install: { ...install, readers: { user: "web" } } }],
    ["the service's folder", { install: { ...install, serviceFolder: "/var/web" } }],
    ["a command", { install: { ...install, reload: "web restart" } }],
    ["an entry", { install: { ...install, entries: [] } }],
    ["the kind", { kind: "other" }],
  ];

  it.each(changed)("changes with %s", (_, changes) => {
    expect(contentHash(plan(changes))).not.toBe(first);
  });

  it("is there for a kind that is installed on no machine", () => {
    expect(contentHash({ kind: "web", files })).toMatch(/^[0-9a-f]{64}$/);
  });
});

test("a text for the shell means itself", () => {
  expect(shellQuoted("it's")).toBe("'it'\\''s'");
  expect(shellQuoted('a\n\\ $x `y` "z" %s !')).toBe("'a\n\\ $x `y` \"z\" %s !'");
  expect(() => shellWord("a\tb", "the path")).toThrow(/the path .* holds a control character/);
});
