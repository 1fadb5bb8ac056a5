import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { renderResponder } from "../../../../provider/src/gateway/responders";
import { ask, exchange } from "../../../support/gateway/client";
import { responderTrial } from "../../../support/gateway/responder-trial";
import { nginxServer } from "../../../support/gateway/server-nginx";
import { installedNginx } from "../../../support/install/server-nginx";
import { describeWithPeer } from "../../../support/peer";
import { freePorts } from "../../../support/ports";

describeWithPeer("nginx", (nginx) => {
  responderTrial(installedNginx(nginx));

  describe("beside servers that were there before", () => {
    const folder = mkdtempSync(join(tmpdir(), "responder-nginx-"));
    afterAll(() => rmSync(folder, { recursive: true }));

    it("has every name but theirs, though one of them is the default of the port, as Debian's own is", async () => {
      const [port = 0] = await freePorts(1);
      const thumbprint = `${"A".repeat(42)}E`;
      const input = { accounts: [{ thumbprint }], addresses: ["127.0.0.1"], port };
      const { configuration } = renderResponder("nginx", input, {});
      const theirs = [
        "listen 127.0.0.1:PORT default_server; server_name _",
        "listen 127.0.0.1:PORT; server_name own.test",
      ];
      const servers = theirs.map((lines) => `server { ${lines.replace("PORT", String(port))}; return 200 theirs; }\n`);
      writeFileSync(join(folder, "all.conf"), `${configuration}${servers.join("")}`);
      const { child } = await nginxServer(nginx).start(folder, join(folder, "all.conf"));
      try {
        const path = "/.well-known/acme-challenge/t";
        await vi.waitFor(() => ask({ port }, { host: "a.test" }), 60_000);
        expect((await ask({ port }, { host: "a.test", path })).text).toBe(`t.${thumbprint}`);
        expect((await ask({ port }, { host: "own.test", path })).text).toBe("theirs");
        // who sends no host has no name to be sent on to
        expect(await exchange({ port }, "GET / HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
      } finally {
        child.kill("SIGTERM");
      }
    });
  });
});
