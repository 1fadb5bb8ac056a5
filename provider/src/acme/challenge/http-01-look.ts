import { directories } from "../directories";
import { resolversOf } from "../dns/resolvers";
import { explainNoAddress, explainUnseen, findAddresses } from "../look/addresses";
import type { PreflightFinding } from "../look/finding";
import { lookByHttp } from "../look/http";
import type { Deadline } from "../run/deadline";
import { type ExpectedAnswer, judgeAnswers } from "./http-01/answer";
import { challengeFolder } from "./http-01-path";
import type { ChallengeName, GatewaySettings, OrderResourcesSettings, SolverContext } from "./solver";

/** What is asked for, and under which token. */
export interface LookRequest extends Pick<ExpectedAnswer, "token" | "madeBy"> {
  readonly name: ChallengeName;
}

/**
 * Looks by http at what stands at a name, at every address of it, and judges it. A name without an address is an error at
 * a public CA, or where resolvers are given; a private CA sees another DNS than the resolvers of this machine.
 */
export class AnswerLook {
  readonly #settings: Pick<GatewaySettings | OrderResourcesSettings, "port" | "resolvers">;
  readonly #context: SolverContext;

  constructor(settings: GatewaySettings | OrderResourcesSettings, context: SolverContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** @throws TlsError ACME_CHALLENGE: a resolver is none; ACME_TIMEOUT, ACME_ABORTED by the deadline */
  async find(request: LookRequest, deadline: Deadline): Promise<readonly PreflightFinding[]> {
    const { name, token, madeBy } = request;
    const { port = 80, resolvers: endpoints } = this.#settings;
    const { accountUrl, clock, key } = this.#context;
    const resolvers = resolversOf(endpoints, "challenge.resolvers");
    const subject = name.identifier.value;
    const host = await findAddresses(subject, resolvers, deadline);
    if (host.kind === "unseen") {
      return [{ severity: "warning", isUnseen: true, subject, ...explainUnseen("its addresses", host.code) }];
    }
    if (host.kind !== "addresses") {
      const explanation = explainNoAddress(host.kind);
      if (endpoints !== undefined || isOfPublicCa(accountUrl)) return [{ severity: "error", subject, ...explanation }];
      return [{ severity: "warning", isUnseen: true, subject, ...explanation }];
    }
    const target = { host: subject, port, path: `/${challengeFolder}/${token}` };
    const looks = await lookByHttp(target, host.addresses, { resolvers, clock, deadline });
    return judgeAnswers(looks, { subject, token, thumbprint: key.thumbprint, madeBy });
  }
}

function isOfPublicCa(accountUrl: string): boolean {
  const { host } = new URL(accountUrl);
  return Object.values(directories).some(({ url }) => new URL(url).host === host);
}
