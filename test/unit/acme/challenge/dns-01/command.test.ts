import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createCommandSolver } from "../../../../../provider/src/acme/challenge/dns-01/command";
import type { ChallengeTask, CommandSettings } from "../../../../../provider/src/acme/challenge/solver";
import { dns01Value } from "../../../../../provider/src/acme/client/jws";
import { Deadline, systemClock } from "../../../../../provider/src/acme/run/deadline";
import { isTlsError, type TlsError } from "../../../../../provider/src/errors";
import { startDnsServer } from "../../../../support/dns/server";
import { peer } from "../../../../support/peer";
import { until } from "../../../../support/until";
import { isAlive } from "../../child-process";

let folder: string;
let deadline: Deadline;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dns-01-"));
  deadline = new Deadline(60, systemClock);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  deadline.dispose();
  rmSync(folder, { recursive: true });
});

const task = (name: string, token = `token-of-${name.replace(/\W/g, "-")}`): ChallengeTask => ({
  identifier: { type: "dns", value: name.replace(/^\*\./, "") },
  isWildcard: name.startsWith("*."),
  token,
  keyAuthorization: `${token}.thumbprint`,
});
const recordOf = ({ keyAuthorization }: ChallengeTask) => dns01Value(keyAuthorization);

/** A program of these lines; it finds the folder in $FOLDER. */
function program(lines: string, name = "hook.sh"): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return file;
}

const solver = (settings: Omit<CommandSettings, "type" | "propagation">) =>
  createCommandSolver(
    { type: "dns-01", propagation: false, ...settings, environment: { FOLDER: folder, ...settings.environment } },
    systemClock,
  );

const read = (name: string) => readFileSync(join(folder, name), "utf8");
const lines = (name = "log") => read(name).trimEnd().split("\n");

/** A hook file of acme.sh that tries the functions it may call; a status other than 0 says which one is wrong. */
const acmeShHook = `
dns_mine_add() {
  fulldomain=$1 txtvalue=$2
  MINE_Key="\${MINE_Key:-$(_readaccountconf_mutable MINE_Key)}"
  _saveaccountconf_mutable MINE_Key "$MINE_Key"
  _info adding; _debug x y
  _contains abc b && ! _contains abc x && _startswith abc a && _endswith abc c || return 1
  [ "$(_math 2 + 3)" = 5 ] || return 2
  [ "$(printf 'a b/ü~' | _url_encode)" = a%20b%2f%c3%bc~ ] && [ "$(printf / | _url_encode upper-hex)" = %2F ] || return 3
  [ "$(printf x | _base64 | _dbase64)" = x ] || return 4
  [ "$(printf '' | _digest sha256 hex)" = e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ] || return 5
  # RFC 4231 section 4.3
  mac=$(printf 'what do ya want for nothing?' | _hmac sha256 4a656665 hex)
  [ "$mac" = 5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843 ] || return 6
  [ "$(printf ABC | _lower_case)$(printf abc | _upper_case)" = abcABC ] || return 7
  [ "$(printf '{"a" : "b"}' | _normalizeJson)" = '{"a":"b"}' ] || return 8
  [ "$(printf 'id=12;' | _egrep_o '[0-9]+' | _head_n 1)" = 12 ] || return 9
  file=$(_mktemp) && [ -f "$file" ] || return 10
  echo "add $fulldomain $txtvalue $MINE_Key \${file%/*}" >>"$FOLDER/log"
}
dns_mine_rm() {
  echo "rm $1 $2" >>"$FOLDER/log"
}
`;

async function failure(work: Promise<void>): Promise<TlsError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isTlsError(error)) throw new Error(`no TlsError but ${String(error)}`);
  return error;
}

describe("the command gets the record", () => {
  it("as lego's exec provider hands it over, after its own arguments, and in our variables", async () => {
    const command = program(
      'printf "[%s]" "$@" >>"$FOLDER/log"; echo " $ACME_ACTION $ACME_RECORD_NAME $ACME_RECORD_TYPE $ACME_RECORD_VALUE $ACME_IDENTIFIER $ACME_TOKEN" >>"$FOLDER/log"',
    );
    const one = task("*.example.test");
    const made = solver({ command: [command, "--zone", "a b;$(id)"] });
    await made.present([one], deadline);
    await made.cleanUp([one]);
    const [record, value] = ["_acme-challenge.example.test", recordOf(one)];
    const rest = `${record} TXT ${value} *.example.test ${one.token}`;
    expect(lines()).toEqual([
      `[--zone][a b;$(id)][present][${record}.][${value}] present ${rest}`,
      `[--zone][a b;$(id)][cleanup][${record}.][${value}] cleanup ${rest}`,
    ]);
  });

  it("as certbot's manual hooks do, counted, and without the token of a challenge over HTTP", async () => {
    vi.stubEnv("CERTBOT_TOKEN", "left over");
    vi.stubEnv("CERTBOT_AUTH_OUTPUT", "left over");
    const command = program(
      // the first one would be overtaken if the others did not wait for it
      `[ "$CERTBOT_REMAINING_CHALLENGES" = 2 ] && sleep 0.1
      echo "$# $CERTBOT_DOMAIN $CERTBOT_IDENTIFIER $CERTBOT_VALIDATION $CERTBOT_ALL_DOMAINS $CERTBOT_REMAINING_CHALLENGES" \\
        "\${CERTBOT_TOKEN-none} \${CERTBOT_AUTH_OUTPUT-none}" >>"$FOLDER/log"
      [ "\${CERTBOT_AUTH_OUTPUT+x}" ] || echo "id of $CERTBOT_DOMAIN"; echo noise >&2`,
    );
    const tasks = [task("b.test"), task("a.test"), task("*.a.test", "second")];
    const made = solver({ command, convention: "certbot" });
    await made.present(tasks, deadline);
    await made.cleanUp(tasks);
    const line = (index: number, output: string) => {
      const one = tasks[index] as ChallengeTask;
      const name = one.identifier.value;
      return `0 ${name} ${name} ${recordOf(one)} b.test,a.test,a.test ${2 - index} none ${output}`;
    };
    expect(lines()).toEqual([
      line(0, "none"),
      line(1, "none"),
      line(2, "none"),
      line(0, "id of b.test"),
      line(1, "id of a.test"),
      line(2, "id of a.test"),
    ]);
  });

  it("for the removal by another program, when there are two", async () => {
    const command = program('echo "set $CERTBOT_DOMAIN" >>"$FOLDER/log"', "auth.sh");
    const cleanupCommand = program(
      'echo "removed $CERTBOT_DOMAIN [$CERTBOT_AUTH_OUTPUT]" >>"$FOLDER/log"',
      "cleanup.sh",
    );
    const made = solver({ command, cleanupCommand, convention: "certbot" });
    await made.present([task("a.test")], deadline);
    await made.cleanUp([task("a.test")]);
    // another process did the first part
    await solver({ command, cleanupCommand, convention: "certbot" }).cleanUp([task("a.test")]);
    expect(lines()).toEqual(["set a.test", "removed a.test []", "removed a.test []"]);
  });

  it("as acme.sh calls a hook file, with functions that stand for acme.sh's", async () => {
    writeFileSync(join(folder, "dns_mine.sh"), acmeShHook);
    const one = task("www.example.test");
    const made = solver({
      command: join(folder, "dns_mine.sh"),
      convention: "acme.sh",
      environment: { MINE_Key: "k-4711" },
    });
    await made.present([one], deadline);
    await made.cleanUp([one]);
    const [added = "", removed] = lines();
    const rest = `_acme-challenge.www.example.test ${recordOf(one)}`;
    expect(added.startsWith(`add ${rest} k-4711 `)).toBe(true);
    expect(removed).toBe(`rm ${rest}`);
    expect(existsSync(added.split(" ").at(-1) ?? "")).toBe(false);
  });

  it.skipIf(peer("curl") === undefined)("as acme.sh does over HTTP, with its headers", async () => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      request.setEncoding("utf8").on("data", (body: string) => requests.push(body));
      requests.push([request.method, request.url, request.headers["x-key"], request.headers["content-type"]].join(" "));
      response.setHeader("x-id", "17").end('{"ok":true}');
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    writeFileSync(
      join(folder, "dns_http.sh"),
      `dns_http_add() {
        export _H1="X-Key: $HTTP_Key"
        [ "$(_get "$URL/zones?name=$1")" = '{"ok":true}' ] || return 1
        [ "$(_post '{"v":"x"}' "$URL/records" "" PUT application/json)" = '{"ok":true}' ] || return 2
        grep -qi '^x-id: 17' "$HTTP_HEADER" || return 3
        _get "$URL/head" 1 | grep -qi '^x-id: 17' || return 4
      }`,
    );
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const environment = { URL: url, HTTP_Key: "k-4711" };
      const made = solver({ command: join(folder, "dns_http.sh"), convention: "acme.sh", environment });
      await made.present([task("a.test")], deadline);
      expect(requests).toEqual([
        "GET /zones?name=_acme-challenge.a.test k-4711 ",
        "PUT /records k-4711 application/json",
        '{"v":"x"}',
        "HEAD /head k-4711 ",
      ]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("by acme.sh's own functions when it stands above the hook file, saving nothing", async () => {
    mkdirSync(join(folder, "dnsapi"));
    // as acme.sh does: run what the first argument names
    writeFileSync(
      join(folder, "acme.sh"),
      '_readaccountconf_mutable() { grep "^SAVED_$1=" "$ACCOUNT_CONF_PATH" | cut -d = -f 2; }\n_saveaccountconf_mutable() { echo "$1=$2" >>"$ACCOUNT_CONF_PATH"; }\n' +
        'main() { [ -z "$1" ] && echo help && exit 9; "$@"; }\nmain "$@"\n',
    );
    writeFileSync(join(folder, "account.conf"), "SAVED_MINE_Key=saved\n");
    writeFileSync(
      join(folder, "dnsapi/dns_mine.sh"),
      'dns_mine_add() { key=$(_readaccountconf_mutable MINE_Key); _saveaccountconf_mutable MINE_Key x; echo "$key $1 $2" >>"$FOLDER/log"; }\n',
    );
    const one = task("a.test");
    const made = solver({ command: join(folder, "dnsapi/dns_mine.sh"), convention: "acme.sh" });
    await made.present([one], deadline);
    expect(lines()).toEqual([`saved _acme-challenge.a.test ${recordOf(one)}`]);
    expect(read("account.conf")).toBe("SAVED_MINE_Key=saved\n");
    expect((await failure(made.cleanUp([one]))).reason).toContain('"the hook file has no function dns_mine_rm"');
  });

  it("once, however often it is presented and cleaned up", async () => {
    const made = solver({ command: program('echo "$1" >>"$FOLDER/log"') });
    const one = task("a.test");
    for (let round = 0; round < 2; round += 1) {
      await made.present([one], deadline);
      await made.present([one], deadline);
      await made.cleanUp([one]);
      await made.cleanUp([one]);
    }
    expect(lines()).toEqual(["present", "cleanup", "present", "cleanup"]);
  });

  it("one record of a name at a time, four at most in all, from all solvers", async () => {
    const command = program(
      [
        'mkdir "$FOLDER/name-$ACME_RECORD_NAME" || exit 3',
        'mkdir "$FOLDER/run-$$"; count() { ls -d "$FOLDER"/run-* | wc -l; }',
        // the first ones stay until another one has begun
        'until [ -e "$FOLDER/several" ]; do if [ "$(count)" -gt 1 ]; then : >"$FOLDER/several"; else sleep 0.01; fi; done',
        'count >>"$FOLDER/counts"',
        'rmdir "$FOLDER/run-$$" "$FOLDER/name-$ACME_RECORD_NAME"',
      ].join("\n"),
    );
    const names = ["a", "b", "c", "d", "e", "f"].map((name) => `${name}.test`);
    await Promise.all([
      solver({ command }).present(
        names.flatMap((name) => [task(name), task(`*.${name}`, `w-${name.slice(0, 1)}`)]),
        deadline,
      ),
      solver({ command }).present([task("a.test", "again")], deadline),
    ]);
    const counts = lines("counts").map(Number);
    expect(counts).toHaveLength(13);
    expect(Math.max(...counts)).toBeLessThanOrEqual(4);
  });

  it("and the DNS is asked until both values of a name and its wildcard are seen", async () => {
    const server = await startDnsServer();
    try {
      const tasks = [task("a.test"), task("*.a.test", "wild")];
      server.onQuestion = ({ type }) => {
        if (type !== "TXT" || server.records.length > 0) return;
        for (const one of tasks)
          server.records.push({ name: "_acme-challenge.a.test", type: "TXT", value: recordOf(one) });
      };
      const command = program('echo "$3" >>"$FOLDER/log"');
      const made = createCommandSolver(
        {
          type: "dns-01",
          command,
          environment: { FOLDER: folder },
          propagation: { resolvers: [server.endpoint], authoritative: false, timeoutSeconds: 60 },
        },
        systemClock,
      );
      await made.present(tasks, deadline);
      expect(lines().sort()).toEqual(tasks.map(recordOf).sort());
      expect(server.questions.filter(({ type }) => type === "TXT")).toHaveLength(1);
      await made.cleanUp(tasks);
    } finally {
      await server.stop();
    }
  });
});

describe("the command fails", () => {
  it("by its status, with the last lines of what it printed, and no secret in them", async () => {
    vi.stubEnv("SOME_API_TOKEN", "hunter2-from-outside");
    const command = program(
      'echo out; { seq 1 9; echo "curl -H $SOME_API_TOKEN"; echo "password $MY_SETTING bad"; printf "\\033[31mred\\n"; } >&2; exit 7',
    );
    const made = solver({ command, environment: { MY_SETTING: "correct horse" } });
    const { code, reason, message } = await failure(made.present([task("a.test")], deadline));
    expect([code, reason]).toEqual([
      "ACME_CHALLENGE",
      "setting the TXT record _acme-challenge.a.test by the command: it ended with status 7. " +
        'Its output ends with "curl -H …", "password … bad", "\\u{1b}[31mred".',
    ]);
    expect(message).not.toMatch(/hunter2|correct|horse/);
  });

  it("with what it said on its standard output when it said nothing else, or with nothing", async () => {
    const said = await failure(
      solver({ command: program("echo sorry; exit 1", "a.sh") }).present([task("a.test")], deadline),
    );
    expect(said.reason).toContain('Its output ends with "sorry".');
    const silent = await failure(
      solver({ command: program("kill -9 $$", "b.sh") }).present([task("a.test")], deadline),
    );
    expect(silent.reason).toContain("it was ended by SIGKILL. It printed nothing.");
  });

  it("without a secret of which only the end was kept", async () => {
    const command = program('printf "%s" "$BIG$BIG" >&2; exit 1');
    const { reason } = await failure(
      solver({ command, environment: { BIG: "s3cret,".repeat(9000) } }).present([task("a.test")], deadline),
    );
    expect(reason).toContain("It printed nothing.");
  });

  it("when it can't be started", async () => {
    const missing = await failure(solver({ command: "python3 hook.py" }).present([task("a.test")], deadline));
    expect(missing.reason).toContain('the program "python3 hook.py" can\'t be started (ENOENT).');
    expect(missing.hint).toContain('["python3", "dns.py"]');
    const file = join(folder, "plain.sh");
    writeFileSync(file, "#!/bin/sh\n");
    expect((await failure(solver({ command: file }).present([task("a.test")], deadline))).hint).toContain("chmod +x");
  });

  it("for a setting with a NUL character, which is not quoted", async () => {
    const made = solver({ command: program("exit 0"), environment: { KEY: "hunter2\0" } });
    const { code, message } = await failure(made.present([task("a.test")], deadline));
    expect([code, message]).toEqual(["ACME_CHALLENGE", expect.stringContaining("holds a NUL character.")]);
    expect(message).not.toContain("hunter2");
  });

  it("when it takes too long, and what it started is ended with it", async () => {
    const command = program('trap "" TERM; echo waiting >&2; sleep 300 & echo $! >"$FOLDER/pid"; wait');
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const failing = failure(solver({ command, timeoutSeconds: 7 }).present([task("a.test")], deadline));
    await until(() => existsSync(join(folder, "pid")) && read("pid") !== "");
    const pid = Number(read("pid"));
    // neither hears SIGTERM, so that SIGKILL comes two seconds later
    vi.advanceTimersByTime(7000 + 2000);
    const { reason, hint } = await failing;
    await until(() => !isAlive(pid));
    expect(reason).toContain('it took longer than 7 s and was ended. Its output ends with "waiting".');
    expect(hint).toContain("timeoutSeconds");
  });

  it("when the deadline ends, and what it started is ended with it", async () => {
    const abort = new AbortController();
    const bound = new Deadline(60, systemClock, abort.signal);
    const command = program('sleep 300 & echo $! >"$FOLDER/pid"; wait');
    const presenting = failure(solver({ command }).present([task("a.test"), task("*.a.test", "w")], bound));
    await until(() => existsSync(join(folder, "pid")) && read("pid") !== "");
    abort.abort("SIGTERM");
    expect((await presenting).code).toBe("ACME_ABORTED");
    await until(() => !isAlive(Number(read("pid"))));
    bound.dispose();
  });

  it("not for what it leaves running with its output open, which is ended", async () => {
    const command = program('sleep 300 & echo $! >"$FOLDER/pid"');
    await solver({ command }).present([task("a.test")], deadline);
    await until(() => !isAlive(Number(read("pid"))));
  });

  it("at the first record, without beginning those that wait; but tries to remove all", async () => {
    const command = program('echo "$1 $ACME_IDENTIFIER" >>"$FOLDER/log"; exit 1');
    const tasks = [task("a.test"), task("*.a.test", "w")];
    const made = solver({ command });
    expect((await failure(made.present(tasks, deadline))).reason).toContain("setting the TXT record");
    expect((await failure(made.cleanUp(tasks))).reason).toContain("removing the TXT record _acme-challenge.a.test");
    expect(lines()).toEqual(["present a.test", "cleanup a.test", "cleanup *.a.test"]);
  });

  it.each(["hook.sh", "dns-x.sh", "dns_x;id.sh"])("for %s, which is no hook file of acme.sh", async (name) => {
    const made = solver({ command: join(folder, name), convention: "acme.sh" });
    expect((await failure(made.present([task("a.test")], deadline))).hint).toContain("dns_<name>.sh");
  });

  it.each(["-rf", "a b", "a\nb", "", "a/../b"])("for the name %j, which is none", async (name) => {
    const made = solver({ command: program('echo x >>"$FOLDER/log"') });
    await failure(made.present([task(name, "x")], deadline));
    expect(existsSync(join(folder, "log"))).toBe(false);
  });

  it("for IP addresses, which have no record", () => {
    const made = solver({ command: "x" });
    expect(made.refuse({ type: "ip", value: "::1" }, false)).toContain("http-01");
    expect(made.refuse({ type: "dns", value: "a.test" }, true)).toBeUndefined();
  });
});
