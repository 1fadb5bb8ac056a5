// The forms in which certificates are given.
import { readPem, renderPem } from "./der.mjs";
import { text } from "./maker.mjs";

export function inputsCases(maker) {
  const { root, middle, leaf } = maker;
  const chain = text(leaf, middle);
  const direct = maker.server(root);
  const p7b = (...options) => maker.written("crl2pkcs7", "-certfile", maker.write("all.pem", chain), ...options);
  const der = readPem(direct.pem);
  const oneLine = chain.replaceAll(
    /-----\n([^-]*)\n-----END/g,
    (_, body) => `-----\n${body.replaceAll("\n", "")}\n-----END`,
  );
  const trusted = [leaf, middle].map(({ file }) =>
    maker.openssl("x509", "-in", file, "-trustout", "-addtrust", "serverAuth", "-setalias", "mine"),
  );
  const explained = [leaf, middle].map(({ file }) => maker.openssl("x509", "-in", file, "-text"));
  const mail = `Dear customer,\r\n\r\nhere is your certificate -- keep it:\r\n${explained.join("and the issuer's:\n")}\nKind regards\n`;
  const crlOptions = [
    "-config",
    "ca.cnf",
    "-keyfile",
    root.keyFile,
    "-cert",
    root.file,
    "-crldays",
    "9",
    "-md",
    "sha256",
  ];
  maker.openssl("ca", "-gencrl", ...crlOptions, "-out", "root.crl");
  const crl = maker.openssl("crl", "-in", "root.crl");
  const request = maker.openssl("req", "-new", "-config", "ca.cnf", "-key", leaf.keyFile, "-subj", "/CN=leaf");
  const parameters = maker.openssl("ecparam", "-name", "prime256v1");
  const lines = chain.split("\n");
  const of = (certificates) => ({ certificates });
  const onlyPem =
    "readers of PEM in openssl want each BEGIN and END line by itself; a text pasted into one line is unambiguous";

  return [
    maker.good("PEM, leaf first", of([leaf, middle])),
    maker.good("PEM with a mail's text before, between and after the blocks, and openssl's -text", of(mail)),
    maker.good("PEM with CRLF line ends", of(chain.replaceAll("\n", "\r\n"))),
    maker.good("PEM with a byte order mark before it", of(`\uFEFF${chain}`)),
    maker.good("PEM with the base64 of each block on one line", of(oneLine)),
    maker.good("PEM all on one line, its line ends lost", of(chain.replaceAll("\n", " ")), undefined, {
      openssl: "refuses",
      why: onlyPem,
    }),
    maker.good("PEM that is indented, as in a YAML file", of(chain.replaceAll(/^(?=.)/gm, "    ")), undefined, {
      openssl: "refuses",
      why: "readers of PEM in openssl want BEGIN at the start of a line",
    }),
    maker.good(
      "TRUSTED CERTIFICATE blocks, with openssl's trust settings behind the certificate",
      of(trusted.join("")),
    ),
    maker.good(
      "X509 CERTIFICATE blocks, openssl's older label",
      of(chain.replaceAll(" CERTIFICATE-", " X509 CERTIFICATE-")),
    ),
    maker.good("PEM in which each block stands three times", of([leaf, middle, leaf, middle, middle, leaf])),
    maker.good("PEM among a revocation list and EC parameters", of(leaf.pem + crl + parameters + middle.pem)),
    maker.good("base64 of one certificate in DER", of(der.toString("base64")), ["CN=leaf"]),
    maker.good(
      "base64 of one certificate in DER, in lines of 76 with CRLF",
      of(der.toString("base64").replaceAll(/.{76}/g, "$&\r\n")),
      ["CN=leaf"],
    ),
    maker.good("base64 of PKCS#7 in DER", of(p7b("-nocrl", "-outform", "DER").toString("base64"))),
    maker.good("PKCS#7 in PEM", of(p7b("-nocrl").toString())),
    maker.good("PKCS#7 in PEM with the label CMS", of(p7b("-nocrl").toString().replaceAll("PKCS7", "CMS")), undefined, {
      openssl: "can't judge: `openssl pkcs7` reads the label PKCS7 only, and `openssl cms` prints no certificates",
    }),
    maker.good("PKCS#7 with a revocation list beside the certificates", of(p7b("-in", "root.crl").toString())),
    maker.good(
      "PKCS#7 that a CA labelled CERTIFICATE",
      of(p7b("-nocrl").toString().replaceAll("PKCS7", "CERTIFICATE")),
    ),
    maker.good(
      "leaf in PEM, its issuer in PKCS#7 below it",
      of(leaf.pem + maker.written("crl2pkcs7", "-nocrl", "-certfile", middle.file).toString()),
    ),
    maker.good("base64 of PEM", of(Buffer.from(chain).toString("base64")), undefined, {
      openssl: "can't judge: it reads base64 of PEM only after `openssl base64 -d`",
    }),

    maker.bad("PEM cut short in its last block", of(lines.slice(0, -4).join("\n")), "PEM_INVALID", "cut short"),
    maker.bad(
      "PEM with one line of a block lost",
      of(lines.filter((_, index) => index !== 3).join("\n")),
      "PEM_INVALID",
      "lines are missing",
    ),
    maker.bad(
      "PEM whose END line has another label",
      of(chain.replace("END CERTIFICATE", "END X509 CRL")),
      "PEM_INVALID",
      "does not end with",
    ),
    maker.bad(
      "PEM with the two characters \\n in place of line ends",
      of(chain.replaceAll("\n", "\\n")),
      "PEM_INVALID",
      "line break",
    ),
    maker.bad(
      "PEM block whose base64 is no certificate",
      of(renderPem("CERTIFICATE", Buffer.from("3003020105", "hex"))),
      "CERTIFICATE_INVALID",
      "PEM block 1",
    ),
    maker.bad("certificate request", of(request), "CONTAINER_INVALID", "only CERTIFICATE REQUEST"),
    maker.bad("revocation list", of(crl), "CONTAINER_INVALID", "only X509 CRL"),
    maker.bad(
      "PKCS#7 without a certificate",
      of(maker.written("crl2pkcs7", "-in", "root.crl").toString()),
      "CONTAINER_INVALID",
      "PKCS#7 without a certificate",
    ),
    maker.bad(
      "base64 of DER that is cut short",
      of(der.subarray(0, -30).toString("base64")),
      "CONTAINER_INVALID",
      "no certificate, key, PKCS#7 or PKCS#12",
    ),
    maker.bad(
      "text that is neither PEM nor base64",
      of("see attachment!"),
      "CONTAINER_INVALID",
      "neither PEM nor base64",
    ),
  ];
}
