// A record set in a real name server, by nsupdate and dig: what stands for Route 53 and the like in engine tests. Plain methods
// of Pulumi's dynamic providers; a change of the name replaces it, as with real ones.
const { execFileSync } = require("node:child_process");

function update({ server, port, keyFile }, lines) {
  const input = [`server ${server} ${port}`, ...lines, "send", ""].join("\n");
  execFileSync("nsupdate", ["-k", keyFile], { input, timeout: 20_000 });
}

function write(inputs) {
  const { name, type, values } = inputs;
  const added = values.map((value) => `update add ${name}. 0 ${type} ${value}`);
  update(inputs, [`update delete ${name}. ${type}`, ...added]);
}

function read({ server, port, name, type }) {
  const args = [`@${server}`, "-p", String(port), "+short", "+norecurse", "+time=2", "+tries=2", name, type];
  const lines = execFileSync("dig", args, { encoding: "utf8", timeout: 20_000 }).split("\n");
  return lines.filter((line) => line !== "").sort();
}

exports.dnsRecord = {
  check: async (_olds, news) => ({ inputs: news }),
  diff: async (_id, olds, news) => ({ changes: undefined, replaces: olds.name === news.name ? [] : ["name"] }),
  create: async (inputs) => {
    // no provider takes a record set without a value
    if (inputs.values.length === 0) throw new Error(`the record ${inputs.name} has no value`);
    write(inputs);
    return { id: `${inputs.name}/${inputs.type}`, outs: inputs };
  },
  update: async (_id, _olds, news) => {
    write(news);
    return { outs: news };
  },
  // what somebody deleted is not there: the next up makes it again
  read: async (id, props) => {
    const values = read(props);
    return values.length === 0 ? { id: "", props: {} } : { id, props: { ...props, values } };
  },
  delete: async (_id, props) => update(props, [`update delete ${props.name}. ${props.type}`]),
};
