// Guards: records that a test's program makes in a real name server; see dns-record.cjs.
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { NameServer } from "./name-server";

const provider = join(import.meta.dirname, "record.cjs");

/** A record set, as any DNS provider of Pulumi has one. */
export class DnsRecord extends pulumi.CustomResource {
  constructor(
    name: string,
    server: NameServer,
    record: { readonly name: string; readonly type: string; readonly quotedValues: pulumi.Input<string[]> },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const text = `exports.handler = () => require(${JSON.stringify(provider)}).dnsRecord;`;
    const place = { server: server.address, port: server.port, keyFile: server.keyFile };
    const args = { ...place, name: record.name, type: record.type, values: record.quotedValues };
    super("pulumi-nodejs:dynamic/test:DnsRecord", name, { ...args, __provider: text }, opts);
  }
}
