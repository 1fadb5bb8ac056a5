// What stands for services that take a certificate and its key: AWS Certificate Manager at an import, and Kubernetes for a Secret
// of type kubernetes.io/tls. Each judges what it is given as the real one does, and takes a renewal in place.
const { createPrivateKey, X509Certificate } = require("node:crypto");

function certificatesOf(pem) {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (block) => new X509Certificate(block),
  );
}

function judge(leaf, issuers, privateKey) {
  if (!leaf.checkPrivateKey(createPrivateKey(privateKey))) throw new Error("the key is not that of the certificate");
  if (issuers.length === 0 || !leaf.checkIssued(issuers[0]))
    throw new Error("the chain does not go on from the certificate");
  return { serialNumber: leaf.serialNumber.toLowerCase() };
}

/** ACM: the body is one certificate, the chain is what follows it. */
function judgeImport({ certificateBody, certificateChain, privateKey }) {
  const body = certificatesOf(certificateBody);
  if (body.length !== 1) throw new Error("the body is to be one certificate");
  return judge(body[0], certificatesOf(certificateChain), privateKey);
}

/** Kubernetes: the chain is one text, the certificate first. */
function judgeSecret({ type, stringData }) {
  if (type !== "kubernetes.io/tls") throw new Error("the type is another one");
  const [leaf, ...issuers] = certificatesOf(stringData["tls.crt"]);
  return judge(leaf, issuers, stringData["tls.key"]);
}

function taker(judgeInputs) {
  return {
    check: async (_olds, news) => ({ inputs: news }),
    create: async (inputs) => ({ id: "taken", outs: { ...inputs, ...judgeInputs(inputs) } }),
    update: async (_id, _olds, news) => ({ outs: { ...news, ...judgeInputs(news) } }),
  };
}

exports.acm = taker(judgeImport);
exports.secret = taker(judgeSecret);
