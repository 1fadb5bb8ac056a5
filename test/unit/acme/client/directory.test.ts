// Names and URLs of directories, and what a CA may answer there.
import { describe, expect, it } from "vitest";
import {
  directories,
  nameOfDirectory,
  parseDirectory,
  resolveDirectory,
} from "../../../../provider/src/acme/client/directory";
import { isTlsError, type TlsError } from "../../../../provider/src/errors";

function failure(action: () => unknown): TlsError {
  try {
    action();
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("resolveDirectory", () => {
  it("knows the public CAs by name, with https and a staging that is known too", () => {
    for (const [name, { url, staging }] of Object.entries(directories)) {
      expect(resolveDirectory(name)).toBe(url);
      expect(url).toMatch(/^https:\/\//);
      expect(nameOfDirectory(url)).toBe(name);
      if (staging !== undefined) expect(directories).toHaveProperty([staging]);
    }
    expect(directories.letsencrypt?.staging).toBe("letsencrypt-staging");
    expect(nameOfDirectory("https://ca.test/dir")).toBeUndefined();
  });

  it.each([
    "https://ca.test/acme/acme/directory",
    "http://localhost:14000/dir",
    "http://127.0.0.1:14000/dir",
    "http://[::1]:14000/dir",
    "http://ca.localhost/dir",
  ])("takes the URL %s as it is", (url) => {
    expect(resolveDirectory(url)).toBe(url);
  });

  it.each([
    ["http://ca.test/dir", /is not https.*localhost/],
    ["http://127.0.0.1.ca.test/dir", /is not https/],
    ["http://192.0.2.1/dir", /is not https/],
    ["http://[2001:db8::1]/dir", /is not https/],
    ["ftp://ca.test/dir", /is not https/],
    ["https://user:secret@ca.test/dir", /carries a user name or password/],
    ["https://", /is no URL/],
  ])("refuses %s", (url, words) => {
    const error = failure(() => resolveDirectory(url));
    expect(error).toMatchObject({ code: "ACME_DIRECTORY_UNKNOWN" });
    expect(error.message).toMatch(words);
    expect(error.message).not.toContain("secret");
  });

  it.each([
    ["Lets-Encrypt", "Did you mean letsencrypt or letsencrypt-staging?"],
    ["letsencrypt-stage", "Did you mean letsencrypt?"],
    ["ssl.com", "Did you mean sslcom-rsa or sslcom-ecc?"],
    ["toString", "Give one of letsencrypt,"],
    ["", "Give one of letsencrypt,"],
  ])("names the known ones near %s", (name, hint) => {
    const error = failure(() => resolveDirectory(name));
    expect(error).toMatchObject({ code: "ACME_DIRECTORY_UNKNOWN" });
    expect(error.hint).toContain(hint);
  });
});

describe("parseDirectory", () => {
  const urls = Object.fromEntries(
    ["newNonce", "newAccount", "newOrder", "revokeCert", "keyChange"].map((name) => [name, `https://ca.test/${name}`]),
  );
  const parse = (value: unknown) =>
    parseDirectory(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), "https://ca.test/dir");

  it("reads the URLs and what the CA says of itself", () => {
    const meta = {
      termsOfService: "https://ca.test/terms.pdf",
      website: "https://ca.test",
      caaIdentities: ["ca.test"],
      externalAccountRequired: true,
      profiles: { classic: "The usual", shortlived: "Six days" },
    };
    const renewalInfo = "https://ca.test/renewal-info";
    expect(parse({ ...urls, renewalInfo, meta, Xk2: "https://example.com" })).toEqual({ ...urls, renewalInfo, meta });
  });

  it("takes what is not as it should be for absent, in what is optional", () => {
    const meta = {
      termsOfService: 1,
      caaIdentities: ["ca.test", 5],
      externalAccountRequired: "no",
      profiles: { odd: 1 },
    };
    expect(parse({ ...urls, renewalInfo: 7, meta })).toEqual({
      ...urls,
      meta: { caaIdentities: ["ca.test"], profiles: { odd: "" } },
    });
    expect(parse({ ...urls, meta: "x" })).toEqual({ ...urls, meta: {} });
  });

  it.each<[string, unknown, RegExp]>([
    ["HTML", "<html>", /is no JSON object/],
    ["a list", [], /is no JSON object/],
    ["a URL that is missing", { ...urls, newOrder: undefined }, /has no URL newOrder/],
    ["ACME of version 1", { "new-reg": "https://ca.test" }, /has no URL newNonce/],
    ["http for a request", { ...urls, newOrder: "http://ca.test/order" }, /newOrder: .* is not https/],
    ["http for the windows", { ...urls, renewalInfo: "http://ca.test/ri" }, /renewalInfo: .* is not https/],
  ])("refuses %s", (_, value, words) => {
    const error = failure(() => parse(value));
    expect(error).toMatchObject({ code: "ACME_PROTOCOL" });
    expect(error.message).toMatch(words);
    expect(error.message).toContain("https://ca.test/dir");
  });
});
