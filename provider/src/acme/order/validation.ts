import { isTlsError, TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import type { ChallengeSolver, ChallengeTask } from "../challenge/solver";
import { renderNames } from "../client/identifier";
import { keyAuthorization } from "../client/jws";
import { isAcmeError } from "../client/problem";
import { Deadline } from "../run/deadline";
import { inParallel } from "../run/in-parallel";
import {
  type Authorization,
  answerChallenge,
  type Challenge,
  fetchAuthorization,
  renderAuthorized,
} from "./authorization";
import { explainFailedOrder, isUndecided } from "./failure";
import type { FulfilFlow, FulfilJourney } from "./journey";
import { malformed, type Order, type OrderRequest } from "./order";
import { PollPauses } from "./polling";
import type { PresentedChallenges } from "./presented";

/** For a CA to come to its end with what it was told, when the run ends before. Let's Encrypt takes one or two. */
const SECONDS_TO_DECIDE = 5;

/** A challenge that is going to be answered, and how. */
interface Choice {
  readonly authorization: Authorization;
  readonly challenge: Challenge;
  readonly task: ChallengeTask;
  readonly solver: ChallengeSolver;
}

/**
 * Proves to the CA that the names of a pending order are the account's (RFC 8555 section 7.5): those that are proved
 * already are passed over, the answers to the challenges of all others are put in place together, the CA is told, and
 * asked until it has come to its end with each. What was put in place is taken away in any case.
 * @throws TlsError ACME_UNAUTHORIZED with the CA's reason for each name; the order is forgotten then. ACME_CHALLENGE: no
 * solver fits, or one fails; ACME_TIMEOUT, ACME_ABORTED, and those of the requests: the order is kept
 */
export async function validateNames(
  order: Order,
  journey: FulfilJourney,
  presented: PresentedChallenges,
): Promise<void> {
  try {
    const fetched = await inParallel(order.authorizations, (url) => fetchAuthorization(journey.flow, url));
    const authorizations = fetched.map((authorization) => matchOrdered(authorization, journey.flow.request));
    await refuseFailed(order, authorizations, journey);
    const open = authorizations.filter(({ status }) => isUndecided(status));
    const choices = open.map((authorization) => chooseChallenge(authorization, journey));
    if (choices.length > 0) await prove(order, choices, { journey, presented });
  } catch (error) {
    // the first failure is what counts, whatever becomes of saving
    await presented.cleanUp().catch(() => undefined);
    throw error;
  }
  await presented.cleanUp();
}

async function prove(
  order: Order,
  choices: readonly Choice[],
  { journey, presented }: { readonly journey: FulfilJourney; readonly presented: PresentedChallenges },
): Promise<void> {
  const { flow } = journey;
  const names = renderNames(choices.map(({ authorization }) => ({ value: renderAuthorized(authorization) })));
  const types = [...new Set(choices.map(({ solver }) => solver.type))];
  for (const type of types) journey.provedBy.add(type);
  const kinds = types.join(" and ");
  flow.say(`proving ${names} by ${kinds}`);
  await present(choices, presented, { flow, names });
  await journey.before("answer", `answering the challenges for ${names}`);
  const told = new Set<Choice>();
  try {
    await inParallel(choices, (choice) => answer(choice, journey, told));
    await journey.after("answered");
    // a name that fails is no reason not to hear of the others: each failure counts at the CA, and is to be told
    const outcomes = await inParallel(choices, (choice) => outcomeOf(choice, { journey, order }));
    const isAuthorization = (outcome: Authorization | TlsError): outcome is Authorization => !isTlsError(outcome);
    await refuseFailed(order, outcomes.filter(isAuthorization), journey);
    const failure = outcomes.find(isTlsError);
    if (failure !== undefined) throw failure;
  } catch (error) {
    if (journey.progress.orderUrl !== undefined) await letDecide([...told], journey);
    throw error;
  }
}

/** What stands already is only looked for; the rest is put in place, and taken away by whoever sees it. */
async function present(
  choices: readonly Choice[],
  presented: PresentedChallenges,
  { flow, names }: { readonly flow: FulfilFlow; readonly names: string },
): Promise<void> {
  for (const solver of new Set(choices.map((choice) => choice.solver))) {
    if (solver.isStanding !== true) continue;
    const tasks = choices.filter((choice) => choice.solver === solver).map(({ task }) => task);
    await solver.present(tasks, flow.deadline);
  }
  const passing = choices.filter(({ solver }) => solver.isStanding !== true);
  if (passing.length === 0) return;
  const challenges = passing.map(({ solver: { type }, task }) => ({ type, task }));
  await presented.present(challenges, `putting the answers to the challenges for ${names} in place`);
}

/**
 * A run that ends in between takes the answers away: a CA that is just looking for them would count a failure, and few
 * are allowed (Let's Encrypt: 5 in an hour). So it gets a moment to come to its end.
 */
async function letDecide(told: readonly Choice[], { flow }: FulfilJourney): Promise<void> {
  const { session, accountUrl } = flow;
  const deadline = new Deadline(SECONDS_TO_DECIDE, session.clock);
  const look = async ({ authorization: { url } }: Choice) => {
    const pauses = new PollPauses(session.clock, deadline);
    const ask = () => fetchAuthorization({ session, accountUrl, deadline }, url);
    let now = await ask();
    while (isUndecided(now.status)) {
      now = await pauses.look(now.retryAfter, "waiting for the CA to decide", ask);
    }
  };
  try {
    // whatever keeps it from being seen, the next run learns what became of it
    await inParallel(told, (choice) => look(choice).catch(() => undefined));
  } finally {
    deadline.dispose();
  }
}

/** A name goes to commands and files, so it is one that the user gave; a wildcard may come without saying so. */
export function matchOrdered(authorization: Authorization, { identifiers }: OrderRequest): Authorization {
  const { identifier, isWildcard } = authorization;
  const has = (name: string) => identifiers.some(({ type, value }) => type === identifier.type && value === name);
  const starred = `*.${identifier.value}`;
  if (has(isWildcard ? starred : identifier.value)) return authorization;
  if (has(starred)) return { ...authorization, isWildcard: true };
  throw malformed("asking for an authorization", `it is for ${renderQuoted(identifier.value)}, which was not ordered`);
}

/** Each failed proof is the end of its order (RFC 8555 section 7.1.6). */
async function refuseFailed(order: Order, all: readonly Authorization[], journey: FulfilJourney): Promise<void> {
  if (all.every(({ status }) => status === "valid" || isUndecided(status))) return;
  throw await journey.failed(explainFailedOrder(order, all));
}

/** The first solver that fits, but one whose challenge the CA is at work on already goes before. */
function chooseChallenge(authorization: Authorization, { flow }: FulfilJourney): Choice {
  const { identifier, isWildcard, challenges } = authorization;
  const refusals: string[] = [];
  const choices = flow.solvers.flatMap((solver): readonly Choice[] => {
    const refusal = solver.refuse(identifier, isWildcard);
    if (refusal !== undefined) refusals.push(`${solver.type}: ${refusal}`);
    const challenge = challenges.find(({ type }) => type === solver.type);
    if (refusal !== undefined || challenge === undefined) return [];
    const { token, issuerDomainNames } = challenge;
    // dns-persist-01 alone has no token
    if (token === undefined && solver.type !== "dns-persist-01") return [];
    const answer = token === undefined ? "" : keyAuthorization(flow.session.key, token);
    const task = { identifier, isWildcard, token: token ?? "", keyAuthorization: answer };
    return [{ authorization, challenge, task: { ...task, ...(issuerDomainNames && { issuerDomainNames }) }, solver }];
  });
  const choice = choices.find(({ challenge }) => challenge.status === "processing") ?? choices[0];
  if (choice !== undefined) return choice;
  const offered = [...new Set(challenges.map(({ type }) => type))].sort().join(", ") || "none";
  const configured = flow.solvers.map(({ type }) => type).join(", ") || "none";
  const because = refusals.length === 0 ? "" : ` (${refusals.join("; ")})`;
  throw new TlsError(
    "ACME_CHALLENGE",
    `${renderAuthorized(authorization)}: no challenge fits: the CA offers ${offered}; configured: ${configured}${because}.`,
    {
      hint: isWildcard
        ? "A wildcard is proved by a record in the DNS alone: configure dns-01 or dns-persist-01."
        : "Configure one of those that the CA offers.",
    },
  );
}

/** Tells the CA, once: an answer that it got and whose receipt was lost must not be sent again. */
async function answer(choice: Choice, { flow }: FulfilJourney, told: Set<Choice>): Promise<void> {
  const { authorization, challenge } = choice;
  told.add(choice);
  if (challenge.status !== "pending") return;
  try {
    await answerChallenge(flow, challenge, authorization);
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    if (error.code !== "ACME_RATE_LIMITED") {
      const now = await fetchAuthorization(flow, authorization.url);
      const same = now.challenges.find(({ url }) => url === challenge.url);
      // challenges that were not taken vanish once the authorization is decided
      if (!isUndecided(now.status) || (same !== undefined && same.status !== "pending")) return;
    }
    told.delete(choice);
    throw error;
  }
}

/** The authorization when the CA has come to its end with it, or the error that says why this was not seen. */
async function outcomeOf(
  { authorization, solver }: Choice,
  { journey: { flow }, order }: { readonly journey: FulfilJourney; readonly order: Order },
): Promise<Authorization | TlsError> {
  const { url } = order;
  const doing = `the CA has not proved ${renderAuthorized(authorization)} by ${solver.type} yet, so the order ${renderUrl(new URL(url))} is pending`;
  const pauses = new PollPauses(flow.session.clock, flow.deadline);
  try {
    let { retryAfter }: { readonly retryAfter?: string } = {};
    for (;;) {
      const now = await pauses.look(retryAfter, doing, () => fetchAuthorization(flow, authorization.url));
      if (!isUndecided(now.status)) return now;
      ({ retryAfter } = now);
    }
  } catch (error) {
    if (isTlsError(error)) return error;
    throw error;
  }
}
