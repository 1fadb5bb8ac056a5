// Guards: a certificate that OpenSSL refuses for its common name. Without a DNS name among the alternative names, a common
// name that looks like a host name is judged by the constraints of the CA.
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithPeer } from "../../support/peer";
import { judgeByOpenssl, judgeByUs } from "../../support/x509/chain-verdicts";
import { caExtensions, type IssuedPair, leafExtensions, OpensslPki } from "../../support/x509/openssl-pki";

describeWithPeer("openssl", (peer) => {
  const pki = new OpensslPki();
  let root: IssuedPair;
  let middle: IssuedPair;
  beforeAll(() => {
    root = pki.issue("Root", { extensions: caExtensions() });
    const extensions = [...caExtensions(), "nameConstraints=critical,permitted;DNS:internal"];
    middle = pki.issue("Intermediate", { issuer: root, extensions });
  });
  afterAll(() => pki.remove());

  const foreign = "may not carry evil.test";

  it.each<[string, string, string, string?]>([
    ["a foreign common name beside an address", "evil.test", "IP:192.0.2.1", foreign],
    ["a foreign common name beside an e-mail address", "evil.test", "email:a@b.internal", foreign],
    ["a foreign common name in upper case", "EVIL.test", "IP:192.0.2.1", foreign],
    ["a foreign one of two common names", "/CN=a.internal/CN=evil.test", "IP:192.0.2.1", foreign],
    ["a permitted common name beside an address", "a.internal", "IP:192.0.2.1"],
    ["a common name that is no host name", "A server", "IP:192.0.2.1"],
    ["a common name of one label", "server", "IP:192.0.2.1"],
    ["a foreign common name beside a permitted DNS name", "evil.test", "DNS:a.internal"],
  ])("gives OpenSSL's verdict on %s", (_, subject, alternativeNames, reason) => {
    const leaf = pki.issue(subject, { issuer: middle, extensions: leafExtensions(alternativeNames) });
    const scenario = { leaf, others: [middle], roots: [root] };
    const verdict = judgeByOpenssl(peer, pki, scenario);
    const reasons = judgeByUs(scenario).map((error) => error.reason);
    expect(verdict.accepts, verdict.said).toBe(reason === undefined);
    expect(reasons).toEqual(reason === undefined ? [] : [expect.stringContaining(reason)]);
  });
});
