import { createSecureContext, createServer, type SecureContext } from "node:tls";
import type { AcmeClock } from "../../run/deadline";
import type { Endpoint } from "../listener/endpoint";
import { SharedListeners } from "../listener/shared";
import { refusalsOf } from "../refusal";
import { type ChallengeSolver, type ChallengeTask, checkToken, type ListenerSettings } from "../solver";
import { makeChallengeCertificate, serverNameOf } from "./certificate";

/** RFC 8737 section 6.2. */
const PROTOCOL = "acme-tls/1";

/** A CA's handshake is over in a second; who is slower than this is none. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

const listeners = new SharedListeners<SecureContext>((find) => {
  const server = createServer(
    {
      ALPNProtocols: [PROTOCOL],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      minVersion: "TLSv1.2",
      SNICallback: (name, callback) => {
        const context = find(name.toLowerCase());
        if (context === undefined) callback(new Error("no such name"));
        else callback(null, context);
      },
    },
    // the handshake is the answer: RFC 8737 section 3 has the CA close at once
    (socket) => {
      socket.on("error", () => {});
      socket.end();
    },
  );
  // a handshake that fails is the other side's affair
  server.on("tlsClientError", (_, socket) => socket.destroy());
  return server;
});

/**
 * Answers tls-alpn-01 (RFC 8737; RFC 8738 for IP addresses) by a TLS server of our own, open as long as a challenge needs
 * it, one for all certificates with the same address and port. It speaks `acme-tls/1` alone, and serves the names that
 * are being proved. Two orders of one name with different tokens take turns. Not checked: that the CA reaches it.
 */
export function createTlsAlpnSolver(
  { port = 443, address }: ListenerSettings<"tls-alpn-01">,
  clock: AcmeClock,
): ChallengeSolver {
  const endpoint: Endpoint = { type: "tls-alpn-01", port, address };
  const owner = {};
  return {
    type: "tls-alpn-01",
    refuse: refusalsOf("tls-alpn-01"),
    present: async (tasks, deadline) => {
      for (const task of [...tasks].sort(byServerName)) {
        deadline.check("opening the tls-alpn-01 listener");
        const token = checkToken(task.token);
        const answer = createSecureContext(makeChallengeCertificate(task, clock.now()));
        await listeners.hold(endpoint, { name: serverNameOf(task.identifier), token, answer, owner }, deadline);
      }
    },
    cleanUp: async (tasks) => {
      for (const { identifier, token } of tasks) {
        await listeners.release(endpoint, serverNameOf(identifier), token, owner);
      }
    },
  };
}

/** One order in every certificate, or two could wait for each other. */
function byServerName(one: ChallengeTask, other: ChallengeTask): number {
  const [first, second] = [serverNameOf(one.identifier), serverNameOf(other.identifier)];
  return first < second ? -1 : first > second ? 1 : 0;
}
