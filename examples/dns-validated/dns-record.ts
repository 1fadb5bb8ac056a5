// Stands for your DNS provider's resource, such as aws.route53.Record: record sets of the DNS that the local CA asks.
import * as pulumi from "@pulumi/pulumi";

/** A TXT record set. */
export interface DnsRecordArgs {
  /** Where pebble-challtestsrv takes changes, `http://127.0.0.1:<port>`. */
  readonly api: pulumi.Input<string>;
  readonly name: pulumi.Input<string>;
  readonly type: string;
  /** Without quotes. */
  readonly values: pulumi.Input<string[]>;
}

interface RecordSet {
  readonly api: string;
  readonly name: string;
  readonly type: string;
  readonly values: readonly string[];
}

/** Records of one name in the local CA's DNS. */
export class DnsRecord extends pulumi.dynamic.Resource {
  constructor(name: string, args: DnsRecordArgs, opts?: pulumi.CustomResourceOptions) {
    super(provider, name, args, opts, "local", "DnsRecord");
  }
}

const provider: pulumi.dynamic.ResourceProvider<RecordSet, RecordSet> = {
  create: async (inputs) => {
    await write(inputs);
    return { id: inputs.name, outs: inputs };
  },
  update: async (_id, _olds, news) => {
    await write(news);
    return { outs: news };
  },
  delete: async (_id, { api, name }) => {
    try {
      await post(api, "clear-txt", { host: `${name}.` });
    } catch (error) {
      // the session has ended, and with it the DNS and all of its records
      if (!(error instanceof TypeError)) throw error;
    }
  },
};

async function write({ api, name, type, values }: RecordSet): Promise<void> {
  if (type !== "TXT") throw new Error(`the record ${name} is of type ${type}: this example writes TXT alone`);
  await post(api, "clear-txt", { host: `${name}.` });
  for (const value of values) await post(api, "set-txt", { host: `${name}.`, value });
}

/** Rejects with a TypeError where nothing answers. */
async function post(api: string, path: string, body: object): Promise<void> {
  const request = { method: "POST", body: JSON.stringify(body), signal: AbortSignal.timeout(5000) };
  const { ok, status } = await fetch(`${api}/${path}`, request);
  if (!ok) throw new Error(`the DNS at ${api} answered ${status}`);
}
