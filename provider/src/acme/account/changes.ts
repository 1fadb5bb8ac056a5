import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { type AccountKey, signJws } from "../client/jws";
import { type AcmeError, isAcmeError } from "../client/problem";
import type { AcmeSession } from "../client/session";
import { parseAcmeUrl } from "../client/url";
import type { Deadline } from "../run/deadline";

/**
 * Gives the account another key: the session's key is refused from then on. Done already, by this call or an earlier
 * one whose answer was lost, is success. RFC 8555 section 7.3.5.
 * @throws TlsError ACME_ACCOUNT: the new key belongs to another account; AcmeError and TlsError of the requests
 */
export async function rollOverKey(
  session: AcmeSession,
  accountUrl: string,
  newKey: AccountKey,
  deadline: Deadline,
): Promise<void> {
  if (newKey.thumbprint === session.key.thumbprint) return;
  const doing = `changing the key of the account ${renderAccount(accountUrl)}`;
  const { keyChange: url } = await session.directory(deadline);
  // the new key agrees too: without a nonce, with the key itself in the header
  const inner = signJws(newKey, { url, payload: { account: accountUrl, oldKey: session.key.jwk } });
  let refused: AcmeError | undefined;
  try {
    await session.post(url, JSON.parse(inner), { kid: accountUrl, doing, deadline });
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    refused = error;
  }
  // a lost key is a lost account, so a yes is not enough (Pebble 2.10.1 says it to a key that another account has)
  const owner = await askOwner(session.withKey(newKey), doing, deadline);
  if (owner === accountUrl) return;
  if (owner === undefined || owner === "deactivated") {
    throw refused ?? new TlsError("ACME_PROTOCOL", `${doing}: the CA agreed, and does not know the new key.`);
  }
  throw new TlsError("ACME_ACCOUNT", `${doing}: the new key is that of another account, ${renderAccount(owner)}.`, {
    hint: "Give a key that no account has, or leave accountKeyPem out and have one made.",
    cause: refused,
  });
}

/**
 * Deactivates the account for good; its orders and authorizations end with it. Gone already is success. RFC 8555
 * section 7.3.6.
 * @throws AcmeError and TlsError of the request
 */
export async function deactivateAccount(session: AcmeSession, accountUrl: string, deadline: Deadline): Promise<void> {
  const doing = `deactivating the account ${renderAccount(accountUrl)}`;
  try {
    await session.post(accountUrl, { status: "deactivated" }, { kid: accountUrl, doing, deadline });
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    const owner = await askOwner(session, doing, deadline);
    // of another account, or of this one still: then it was not deactivated
    if (owner !== undefined && owner !== "deactivated") throw error;
  }
}

/** The URL of the account of the session's key, "deactivated", or undefined when there is none. */
async function askOwner(session: AcmeSession, step: string, deadline: Deadline): Promise<string | undefined> {
  const doing = `${step}: looking for the account of the key`;
  const { newAccount } = await session.directory(deadline);
  try {
    const { headers, body } = await session.post(newAccount, { onlyReturnExisting: true }, { doing, deadline });
    return /"status"\s*:\s*"(deactivated|revoked)"/.test(body.toString()) ? "deactivated" : headers.location;
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    if (error.problem.kind === "accountDoesNotExist") return undefined;
    // RFC 8555 section 7.3.6: whatever is signed by its key is unauthorized
    if (error.problem.kind === "unauthorized") return "deactivated";
    throw error;
  }
}

function renderAccount(url: string): string {
  return renderUrl(parseAcmeUrl(url, "the account"));
}
