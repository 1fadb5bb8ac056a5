// As much DER as is needed for what openssl's commands don't make: a file with two keys, a damaged key, OpenSSH's format.

/** One element: its whole bytes and its content. */
function readElement(bytes) {
  const first = bytes[1];
  const octets = first > 0x80 ? first - 0x80 : 0;
  const length = octets === 0 ? first : bytes.readUIntBE(2, octets);
  const start = 2 + octets;
  return { encoded: bytes.subarray(0, start + length), content: bytes.subarray(start, start + length) };
}

export function children(bytes) {
  const found = [];
  for (let rest = readElement(bytes).content; rest.length > 0; ) {
    const { encoded } = readElement(rest);
    found.push(encoded);
    rest = rest.subarray(encoded.length);
  }
  return found;
}

function wrap(tag, ...parts) {
  const content = Buffer.concat(parts);
  const size = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = 0x30;
const octetString = 0x04;
const context0 = 0xa0;

/** Puts the parts of PKCS#12 files without MAC into one (RFC 7292 section 4). */
export function mergePkcs12(...files) {
  const [version, contentInfo] = children(files[0]);
  const [type] = children(contentInfo);
  const parts = files.flatMap((file) => {
    const [, explicit] = children(children(file)[1]);
    return children(readElement(children(explicit)[0]).content);
  });
  const safe = wrap(octetString, wrap(sequence, ...parts));
  return wrap(sequence, version, wrap(sequence, type, wrap(context0, safe)));
}

export function readPem(pem) {
  return Buffer.from(/-----\n([^-]*)-----END/.exec(pem)[1], "base64");
}

export function renderPem(label, der) {
  return `-----BEGIN ${label}-----\n${der.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;
}

/** Changes the last bit of the scalar in a SEC 1 key; the public half stays (RFC 5915 section 3). */
export function damageScalar(pem) {
  const der = Buffer.from(readPem(pem));
  const scalar = children(der)[1];
  der[der.indexOf(scalar) + scalar.length - 1] ^= 1;
  return renderPem("EC PRIVATE KEY", der);
}

/** An Ed25519 key in OpenSSH's format without a passphrase, as OpenSSH's PROTOCOL.key describes it. */
export function renderOpenSsh(pkcs8, spki) {
  const number = (value) => Buffer.from([0, 0, value >> 8, value & 0xff]);
  const string = (value) => Buffer.concat([number(value.length), Buffer.from(value)]);
  const [secret, open] = [pkcs8.subarray(-32), spki.subarray(-32)];
  const publicKey = Buffer.concat([string("ssh-ed25519"), string(open)]);
  const body = Buffer.concat([
    ...[number(7), number(7), publicKey, string(Buffer.concat([secret, open])), string("test key")],
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const plain = ["none", "none", ""].map(string);
  const parts = [Buffer.from("openssh-key-v1\0"), ...plain, number(1), string(publicKey)];
  return renderPem("OPENSSH PRIVATE KEY", Buffer.concat([...parts, string(Buffer.concat([body, padding]))]));
}
