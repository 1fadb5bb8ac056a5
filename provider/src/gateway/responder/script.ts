import { type AnsweringAccount, hostOf } from "../proxy/options";
import { shellQuoted } from "../syntax/shell";
import type { Responder } from "./kind";

/** Names the accounts in a set, and tells that it is one of a responder. */
export const accountsFile = "acme-responder.txt";

/** A name that no account can have (RFC 6761 section 6.4): whoever answers every host answers it. */
const anyHost = "tls-gateway-probe.invalid";

/** `<host> <thumbprint>` a line, one host for each account. */
export function renderAccounts(accounts: readonly AnsweringAccount[]): string {
  return accounts.map((one) => `${hostToAsk(one)} ${one.thumbprint}\n`).join("");
}

function hostToAsk({ hostnames: [name] }: AnsweringAccount): string {
  return name === undefined ? anyHost : hostOf(name);
}

/**
 * Functions of shell: `acme_answers <host> <thumbprint>` asks the machine for a challenge that nobody has, and answers 0
 * for the right answer, or where no program is there that could ask; else `acme_said` has what came.
 */
export function askFunctions({ addresses: [address = "127.0.0.1"], port }: Responder): string {
  const own = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  const url = `http://${hostOf(own)}:${port}/.well-known/acme-challenge/`;
  return [
    "acme_get() { # host url",
    '  if command -v curl >/dev/null 2>&1; then curl -q -s -m 5 --noproxy \'*\' -H "Host: $1" "$2"',
    // Debian's busybox ends by a fault at wget -T
    "  else",
    "    acme_limit=",
    "    timeout 5 true 2>/dev/null && acme_limit='timeout 5'",
    '    (unset http_proxy; $acme_limit wget -q -O - --header "Host: $1" "$2" 2>/dev/null)',
    "  fi </dev/null",
    "}",
    "acme_answers() { # host thumbprint",
    "  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || return 0",
    '  acme_token="tls-gateway-$$-$(date +%s)"',
    `  acme_said=$(acme_get "$1" ${shellQuoted(url)}"$acme_token" | head -c 300 | tr -cd '[:print:]')`,
    '  [ "$acme_said" = "$acme_token.$2" ]',
    "}",
  ].join("\n");
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
    `[ -f "$directory/current/${accountsFile}" ] || exit 0`,
    `if ${isReplaced}; then exit 0; fi`,
    "acme_end=$(($(date +%s) + 10))",
    "while read -r acme_host acme_thumbprint; do",
    '  until acme_answers "$acme_host" "$acme_thumbprint"; do',
    '    if [ "$(date +%s)" -ge "$acme_end" ]; then',
    `      echo "a challenge of http-01 for $acme_host on port ${responder.port} is not answered as it should be: found '$acme_said'; another part of the server's configuration may have the port" >&2`,
    "      exit 1",
    "    fi",
    "    sleep 0.2 2>/dev/null || sleep 1",
    "  done",
    `done <"$directory/current/${accountsFile}"`,
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
    `if [ -e ${current}/${configurationFile} ] && [ ! -e ${current}/${accountsFile} ]; then`,
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
