import { type AnsweringAccount, hostOf } from "../proxy/options";
import { shellFragment, shellQuoted } from "../syntax/shell";
import { askSh, proveSh } from "./embedded-scripts";
import type { Responder } from "./kind";

/** Names the accounts in a set, and tells that it is one of a responder; `prove.sh` has the name too. */
export const ACCOUNTS_FILE = "acme-responder.txt";

/** A name that no account can have (RFC 6761 section 6.4): whoever answers every host answers it. */
const ANY_HOST = "tls-gateway-probe.invalid";

/** `<host> <thumbprint>` a line, one host for each account. */
export function renderAccounts(accounts: readonly AnsweringAccount[]): string {
  return accounts.map((one) => `${hostToAsk(one)} ${one.thumbprint}\n`).join("");
}

function hostToAsk({ hostnames: [name] }: AnsweringAccount): string {
  return name === undefined ? ANY_HOST : hostOf(name);
}

/** The functions of `ask.sh` for this machine. */
export function askFunctions({ addresses: [address = "127.0.0.1"], port }: Responder): string {
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  return shellFragment(askSh, { url: `http://${hostOf(own)}:${port}/.well-known/acme-challenge/` });
}

/**
 * A reload that has succeeded when the running server answers the challenges of the set in use, within ten seconds. Without
 * a set of ours, as after a removal, nothing is asked, nor where a gateway has taken the responder's place: its account may
 * be changed after the responder's.
 */
export function provingReload(reload: string, responder: Responder, isReplaced = "false"): string {
  return [
    `{\n${reload}\n} || exit 1`,
    askFunctions(responder),
    shellFragment(proveSh, { isReplaced, port: String(responder.port) }),
  ].join("\n");
}

/**
 * Goes before the script of a responder whose place a gateway takes: where the gateway is, it stays. That it does not
 * answer is told and no failure: a program installs it after the responder, and so could never mend it.
 *
 * @param script of the installation, or of the removal
 */
export function afterGateway(
  script: string,
  what: "install" | "remove",
  directory: string,
  configurationFile: string,
  responder: Responder,
): string {
  const current = `${shellQuoted(directory)}/current`;
  const say = (text: string): string => `  echo 'pulumi-tls-gateway acme-responder: ${text}'`;
  const lines = [
    "#!/bin/sh",
    "# A gateway that was installed in the same folder has taken the responder's place.",
    `if [ -e ${current}/${configurationFile} ] && [ ! -e ${current}/${ACCOUNTS_FILE} ]; then`,
    ...(what === "remove"
      ? []
      : [
          askFunctions(responder),
          ...responder.accounts.map((one) =>
            [
              `  if ! acme_answers ${shellQuoted(hostToAsk(one))} ${one.thumbprint}; then`,
              `    echo 'pulumi-tls-gateway acme-responder: the gateway in ${directory} is in use, and does not answer challenges of http-01 for this account: give it options.acmeThumbprint, and install it' >&2`,
              "  fi",
            ].join("\n"),
          ),
        ]),
    say(`nothing to do: a gateway has taken over in ${directory}`),
    "  exit 0",
    "fi",
    "",
  ];
  return `${lines.join("\n")}${script.replace(/^#!\/bin\/sh\n/, "")}`;
}
