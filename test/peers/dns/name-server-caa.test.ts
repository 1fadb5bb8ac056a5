// Guards: CAA records that are read as a test server of ours writes them. BIND has the zones, and a resolver that follows
// CNAMEs and DNAMEs is asked, as CAs do.
import { afterAll, beforeAll, expect, it } from "vitest";
import { resolversOf } from "../../../provider/src/acme/dns/resolvers";
import { CaaRecords } from "../../../provider/src/acme/look/caa";
import { Deadline, systemClock } from "../../../provider/src/acme/run/deadline";
import { describeWithNameServers, type NameResolver, NameServer, startResolver } from "../../support/dns/name-server";

const account = "letsencrypt.org; accounturi=https://acme-v02.api.letsencrypt.org/acme/acct/42";

describeWithNameServers(() => {
  let server: NameServer;
  let resolver: NameResolver;
  let deadline: Deadline;
  beforeAll(async () => {
    deadline = new Deadline(60, systemClock);
    server = await NameServer.start("bind", [
      { name: "test", lines: ["@ NS ns.open", "ns.open A 127.0.0.1"] },
      {
        name: "fenced.test",
        lines: [
          ...["@ NS ns", "ns A 127.0.0.1", `@ CAA 0 issue "${account}"`, '@ CAA 0 issuewild ";"'],
          ...['critical CAA 128 tbs "unknown"', 'one CAA 1 tbs "x"', 'case CAA 0 ISSUE "ca.test"'],
          ...['none CAA 0 issue ""', "deep.down A 192.0.2.1", "to-open CNAME www.open.test."],
        ],
      },
      {
        name: "open.test",
        lines: [
          ...["@ NS ns", "ns A 127.0.0.1", "www A 192.0.2.1", "to-fenced CNAME fenced.test."],
          ...["to-deep CNAME deep.down.fenced.test.", "gone CNAME nowhere.open.test.", "tree DNAME fenced.test."],
        ],
      },
    ]);
    resolver = await startResolver([server]);
  });
  afterAll(async () => {
    deadline.dispose();
    await resolver.stop();
    await server.stop();
  });

  const found = async (name: string): Promise<string> => {
    const records = new CaaRecords(resolversOf([resolver.endpoint], "resolvers"));
    const search = await records.find(name, deadline);
    if (search.kind === "none") return "none";
    if (search.kind === "unseen") return `${search.name} ${search.code}`;
    const shown = search.set.properties.map(({ flags, tag, value }) => `${flags} ${tag} "${value}"`).sort();
    return [`${search.set.name}:`, ...shown].join(" ");
  };
  const fence = `0 issue "${account}" 0 issuewild ";"`;

  it.each([
    ["fenced.test", `fenced.test: ${fence}`],
    ["deep.down.fenced.test", `fenced.test: ${fence}`],
    ["not.there.fenced.test", `fenced.test: ${fence}`],
    ["www.critical.fenced.test", 'critical.fenced.test: 128 tbs "unknown"'],
    ["one.fenced.test", 'one.fenced.test: 1 tbs "x"'],
    ["case.fenced.test", 'case.fenced.test: 0 ISSUE "ca.test"'],
    // c-ares takes a value without an octet for a broken answer
    ["none.fenced.test", "none.fenced.test EBADRESP"],
    ["www.open.test", "none"],
    ["to-fenced.open.test", `to-fenced.open.test: ${fence}`],
    ["www.to-fenced.open.test", `to-fenced.open.test: ${fence}`],
    ["to-deep.open.test", "none"],
    ["to-open.fenced.test", `fenced.test: ${fence}`],
    ["gone.open.test", "none"],
    ["case.tree.open.test", 'case.tree.open.test: 0 ISSUE "ca.test"'],
  ])("of %s are found: %s", async (name, expected) => {
    expect(await found(name)).toBe(expected);
  });
});
