// Guards: WebSockets that are answered like any request, or end while nobody speaks.
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "vitest";
import { openSocket } from "./client";
import { clients } from "./sites";
import type { GatewayTrial } from "./trial";
import { type OpenWebSocket, openWebSocket } from "./websocket";

/** Declares the tests. */
export function tunnelFeatures(trial: GatewayTrial): void {
  const open = async (site: string, path?: string, tls: object = {}): Promise<OpenWebSocket> => {
    const host = `${site}.gw.test`;
    const target = trial.secure(host);
    const socket = await openSocket({ ...target, tls: { ...target.tls, ...tls, alpn: ["http/1.1"] } });
    return openWebSocket(socket, { host, ...(path !== undefined && { path }) });
  };
  const expectEcho = async (webSocket: OpenWebSocket, path = "/ws/echo") => {
    expect(await webSocket.next()).toBe(`hello ${path}`);
    for (const text of ["one", "two"]) {
      webSocket.send(text);
      expect(await webSocket.next()).toBe(text);
    }
    webSocket.close();
  };

  trial.test(["upstream"], "a WebSocket passes without TLS", async () => {
    const webSocket = new WebSocket(`ws://localhost:${trial.world.plainPort}/any/path?x=y`);
    const [greeting] = (await once(webSocket, "message")) as [{ readonly data: unknown }];
    expect(greeting.data).toBe("hello /any/path?x=y");
    webSocket.send("text");
    const [echo] = (await once(webSocket, "message")) as [{ readonly data: unknown }];
    expect(echo.data).toBe("text");
    const closed = once(webSocket, "close");
    webSocket.close();
    await closed;
  });

  trial.test(["upstream"], "a WebSocket passes over TLS, on any path", async () => {
    await expectEcho(await open("a"));
    await expectEcho(await open("wild", "/somewhere?x=%2F"), "/somewhere?x=%2F");
  });

  trial.test(["upstreamTls"], "a WebSocket passes to an https upstream, and to Cells", async () => {
    await expectEcho(await open("secure"));
    await expectEcho(await open("cells", "/ws/event"), "/ws/event");
  });

  trial.test(["grpc"], "a WebSocket passes beside gRPC", async () => expectEcho(await open("grpc")));

  trial.test(["routingPaths", "maintenance"], "no WebSocket gets past routing, maintenance or the name", async () => {
    await expect(open("deny-list", "/admin")).rejects.toThrow(/ 403/);
    await expect(open("maintained")).rejects.toThrow(/ 503/);
    const target = trial.secure("a.gw.test");
    await expect(openWebSocket(await openSocket(target), { host: "secure.gw.test" })).rejects.toThrow(/ 421/);
    const { port, tls } = trial.secure("open.gw.test");
    const excepted = await openSocket({ port, from: clients.excepted, tls });
    await expectEcho(await openWebSocket(excepted, { host: "open.gw.test" }));
  });

  trial.test(["clientAuth"], "no WebSocket gets past a missing certificate", async () => {
    await expect(open("mtls")).rejects.toThrow();
    await expectEcho(await open("mtls", "/ws/echo", trial.world.certificates.client));
  });

  trial.test(["timeouts"], "a silent tunnel outlives the time for answers, and ends by its own", async () => {
    const usual = await Promise.all(["a", "wild"].map((site) => open(site)));
    for (const one of usual) await one.next();
    const webSocket = await open("impatient");
    await webSocket.next();
    // the time itself is what is tried: longer than responseSeconds, and far from tunnelSeconds on a busy machine too
    await pause(1300);
    webSocket.send("still there");
    expect(await webSocket.next()).toBe("still there");
    if (trial.server.differs?.keepsSilentTunnels !== true) await webSocket.ended;
    for (const one of usual) {
      one.send("still there");
      expect(await one.next()).toBe("still there");
      one.close();
    }
  });
}
