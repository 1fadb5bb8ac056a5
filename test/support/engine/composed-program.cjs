// Guards: a program of examples-cloud that registers other resources than it says, or a key that is no secret. Runs one
// program, argv[2], without an engine, and prints what it registered as JSON. It lies beside the programs then: no import of
// theirs may find another copy of @pulumi/pulumi.
const { join } = require("node:path");
const pulumi = require("@pulumi/pulumi");

/** Key of the envelope of a secret, and its value (pulumi/pulumi, sdk/nodejs/runtime/rpc.ts). */
const signature = "4dabf18193072939515e22adb298388d";
const secret = "1b47061264138c4ac30d75fd1eb44270";

const resources = [];

pulumi.runtime
  .setMocks({
    newResource: ({ type, name, inputs, id }) => {
      const secrets = [];
      resources.push({ type, name, inputs: opened(inputs, "", secrets), secrets });
      return { id: id || `${name}-id`, state: { ...inputs, ...answerOf(type, inputs) } };
    },
    // the look-up of a zone
    call: ({ token, inputs }) => ({ ...inputs, id: "zone", zoneId: `zone of ${token}` }),
  })
  .then(async () => {
    require(join(__dirname, process.argv[2]));
    await pulumi.runtime.disconnect();
    process.stdout.write(JSON.stringify(resources));
  });

/** What our provider would answer, as far as a program uses it. */
function answerOf(type, inputs) {
  switch (type.split(":").at(-1)) {
    case "AcmeAccount":
      return {
        accountUrl: "https://ca.test/acct/1",
        accountKeyPem: pulumi.secret("the account's PRIVATE KEY"),
        thumbprint: "thumbprint",
        status: "valid",
        caaIdentities: ["ca.test"],
      };
    case "AcmeOrder":
      return {
        orderUrl: "https://ca.test/order/1",
        challenges: inputs.hostnames.map((hostname) => ({
          hostname,
          isProved: false,
          dnsKeyAuthorization: `${hostname}.thumbprint`,
        })),
      };
    case "AcmeCertificate":
      return {
        certPem: "the certificate\n",
        issuerPem: "its issuer\n",
        privateKeyPem: pulumi.secret("the certificate's PRIVATE KEY"),
        validFrom: "2026-11-28T00:00:00Z",
        validTo: "2027-02-26T00:00:00Z",
      };
    default:
      return {};
  }
}

/** The value without the envelopes of secrets, whose paths are noted. */
function opened(value, path, secrets) {
  if (typeof value !== "object" || value === null) return value;
  if (value[signature] === secret) {
    secrets.push(path);
    return opened(value.value, path, secrets);
  }
  if (Array.isArray(value)) return value.map((each, index) => opened(each, `${path}[${index}]`, secrets));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, opened(each, path === "" ? key : `${path}.${key}`, secrets)]),
  );
}
