import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolversOf } from "../../../../provider/src/acme/dns/resolvers";
import { findAddresses, judgeAddresses } from "../../../../provider/src/acme/look/addresses";
import { CaaRecords } from "../../../../provider/src/acme/look/caa";
import { Deadline, systemClock } from "../../../../provider/src/acme/run/deadline";
import { type DnsServer, startDnsServer } from "../../../support/dns/server";
import { rejection } from "../../../support/rejection";

let dns: DnsServer;
let deadline: Deadline;

beforeEach(async () => {
  dns = await startDnsServer({
    records: [
      { name: "both.test", type: "A", value: "93.184.215.14" },
      { name: "both.test", type: "AAAA", value: "2606:2800:21f::14" },
      { name: "alias.test", type: "CNAME", value: "both.test" },
      { name: "inside.test", type: "A", value: "10.0.0.7" },
      { name: "mixed.test", type: "A", value: "10.0.0.7" },
      { name: "mixed.test", type: "A", value: "93.184.215.14" },
      { name: "mail.test", type: "TXT", value: "v=spf1" },
      { name: "fenced.test", type: "CAA", value: '0 issue "ca.test"' },
      { name: "fenced.test", type: "CAA", value: '128 iodef "mailto:a@fenced.test"' },
      { name: "open.fenced.test", type: "CAA", value: '0 issue "other.test"' },
      { name: "to.open.test", type: "CNAME", value: "both.test" },
    ],
  });
  deadline = new Deadline(60, systemClock);
});
afterEach(async () => {
  deadline.dispose();
  await dns.stop();
});

const resolvers = () => resolversOf([dns.endpoint], "resolvers");
const find = (name: string) => findAddresses(name, resolvers(), deadline);
const judge = async (name: string, isPublic = true) => judgeAddresses(name, await find(name), isPublic);

describe("the addresses of a name", () => {
  it("are those of both families, IPv6 first, over a CNAME too", async () => {
    const addresses = ["2606:2800:21f::14", "93.184.215.14"];
    expect(await find("both.test")).toEqual({ kind: "addresses", addresses });
    expect(await find("alias.test")).toEqual({ kind: "addresses", addresses });
    expect(await judge("both.test")).toEqual([]);
  });

  it("of an address is that, without a question", async () => {
    expect(await find("::1")).toEqual({ kind: "addresses", addresses: ["::1"] });
    expect(dns.questions).toEqual([]);
  });

  it("are not those of the list of hosts of this machine", async () => {
    expect(await find("localhost")).toEqual({ kind: "no-name" });
  });

  it("are asked for of the next resolver when one does not answer", async () => {
    const other = await startDnsServer();
    other.mode = "refused";
    const both = resolversOf([other.endpoint, dns.endpoint], "resolvers");
    expect(await findAddresses("both.test", both, deadline)).toMatchObject({ kind: "addresses" });
    await other.stop();
  });

  it("that are missing are an error, that could not be looked up a warning", async () => {
    expect(await judge("nowhere.test")).toMatchObject([{ severity: "error", found: "the DNS has no such name" }]);
    const found = "the name has neither an A nor an AAAA record";
    expect(await judge("mail.test")).toMatchObject([{ severity: "error", found }]);
    dns.mode = "servfail";
    expect(await judge("both.test")).toMatchObject([
      { severity: "warning", found: "its addresses could not be looked up: the resolvers could not tell (ESERVFAIL)" },
    ]);
  });

  it("inside a network are an error for a public CA, beside public ones a warning", async () => {
    const found = "its address is 10.0.0.7, a private address, which a public CA does not connect to";
    expect(await judge("inside.test")).toMatchObject([{ severity: "error", subject: "inside.test", found }]);
    expect(await judge("inside.test", false)).toEqual([]);
    expect(await judge("mixed.test")).toMatchObject([
      { severity: "warning", found: expect.stringContaining("beside others") },
    ]);
  });

  it("are asked for by resolvers that are addresses alone", async () => {
    const error = await rejection(Promise.resolve().then(() => resolversOf(["dns.test"], "preflight.resolvers")));
    expect(error.message).toContain('preflight.resolvers: "dns.test" is no IP address');
  });
});

describe("the CAA records of a name", () => {
  const search = (name: string) => new CaaRecords(resolvers()).find(name, deadline);
  const ca = { flags: 0, tag: "issue", value: "ca.test" };

  it("are its own, with their flags", async () => {
    expect(await search("fenced.test")).toEqual({
      kind: "found",
      set: { name: "fenced.test", properties: [ca, { flags: 128, tag: "iodef", value: "mailto:a@fenced.test" }] },
    });
  });

  it("are those of the closest name above that has any", async () => {
    expect(await search("www.deep.fenced.test")).toMatchObject({ set: { name: "fenced.test" } });
    expect(await search("www.open.fenced.test")).toMatchObject({ set: { name: "open.fenced.test" } });
    expect(await search("both.test")).toEqual({ kind: "none" });
  });

  it("are those of the CNAME's target, not of the names above that", async () => {
    dns.records.push({ name: "both.test", type: "CAA", value: '0 issue ";"' });
    expect(await search("to.open.test")).toMatchObject({ set: { name: "to.open.test", properties: [{ value: ";" }] } });
    dns.records.push({ name: "elsewhere.test", type: "CNAME", value: "deep.fenced.test" });
    expect(await search("elsewhere.test")).toEqual({ kind: "none" });
  });

  it("are asked for once for all names below", async () => {
    const records = new CaaRecords(resolvers());
    await Promise.all(["a.fenced.test", "b.fenced.test"].map((name) => records.find(name, deadline)));
    expect(dns.questions.filter(({ name, type }) => name === "fenced.test" && type === "CAA")).toHaveLength(1);
  });

  it("that could not be had hide those above, not those below", async () => {
    // a value that is no CAA: the resolver library refuses the whole answer
    dns.records.push({ name: "broken.fenced.test", type: "CAA", value: "" });
    expect(await search("www.broken.fenced.test")).toMatchObject({ kind: "unseen", name: "broken.fenced.test" });
    dns.records.push({ name: "good.broken.fenced.test", type: "CAA", value: '0 issue "x"' });
    expect(await search("good.broken.fenced.test")).toMatchObject({ kind: "found" });
  });
});
