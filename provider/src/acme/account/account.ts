import { TlsError } from "../../errors";
import { renderUrl } from "../../network/url";
import { renderQuoted } from "../../text/quoted";
import { type AcmeDirectory, parseObject } from "../client/directory";
import { signExternalAccountBinding } from "../client/jws";
import { AcmeError, isAcmeError, renderCaText } from "../client/problem";
import { BINDING_HINT } from "../client/problem-hints";
import type { AcmeSession } from "../client/session";
import type { AcmeResponse } from "../client/transport";
import { parseAcmeUrl } from "../client/url";

import type { Deadline } from "../run/deadline";

export { deactivateAccount, rollOverKey } from "./changes";

/** What an account is made with. */
export interface AccountRequest {
  /** Mail addresses, `mailto:` is put before them, or URLs. */
  readonly contacts: readonly string[];
  readonly acceptTermsOfService: boolean;
  /** The customer's account at the CA; `hmacBase64` is base64url. RFC 8555 section 7.3.4. */
  readonly externalAccountBinding?: { readonly keyId: string; readonly hmacBase64: string };
}

/** What the CA says of an account, RFC 8555 section 7.1.2. */
export interface Account {
  /** The `kid` of every request. */
  readonly url: string;
  readonly status: string;
  /** As URLs, as the CA tells them: Let's Encrypt has kept none since June 2025. */
  readonly contacts: readonly string[];
  /** A URL of the directory. */
  readonly termsOfService?: string;
}

/**
 * Finds the account of the session's key, else makes one. One that is found keeps its contacts, and needs neither
 * consent nor binding again. RFC 8555 sections 7.3 and 7.3.1.
 * @throws TlsError ACME_ACCOUNT: deactivated; the terms of service are not accepted, the CA requires a binding or
 * refuses it or the contacts; AcmeError and TlsError of the request
 */
export async function ensureAccount(
  session: AcmeSession,
  request: AccountRequest,
  deadline: Deadline,
): Promise<Account> {
  const directory = await session.directory(deadline);
  const found = await findAccount(session, deadline);
  if (found !== undefined) return found;
  const doing = `making an account at ${renderCa(session)}`;
  refuseIncomplete(request, directory, doing);
  const { acceptTermsOfService, externalAccountBinding: binding } = request;
  const url = directory.newAccount;
  const payload = {
    contact: request.contacts.map(renderContact),
    ...(acceptTermsOfService && { termsOfServiceAgreed: true }),
    ...(binding !== undefined && {
      externalAccountBinding: signExternalAccountBinding(session.key, { url, ...binding }),
    }),
  };
  try {
    const response = await session.post(url, payload, { doing, deadline });
    return readAnswer(response, accountUrlOf(response, session, directory, doing), directory, doing);
  } catch (error) {
    // nothing about a name is proved here: what the CA refuses is the binding, whatever its words
    if (isAcmeError(error) && error.problem.kind === "unauthorized") {
      throw asAccountError(error, binding === undefined ? error.hint : BINDING_HINT);
    }
    throw error;
  }
}

/**
 * The account of the session's key, undefined when the CA knows none. RFC 8555 section 7.3.1.
 * @throws TlsError ACME_ACCOUNT: deactivated; AcmeError and TlsError of the request
 */
export async function findAccount(session: AcmeSession, deadline: Deadline): Promise<Account | undefined> {
  const directory = await session.directory(deadline);
  const doing = `looking for the account of this key at ${renderCa(session)}`;
  try {
    const response = await session.post(directory.newAccount, { onlyReturnExisting: true }, { doing, deadline });
    return refuseUnusable(
      readAnswer(response, accountUrlOf(response, session, directory, doing), directory, doing),
      doing,
    );
  } catch (error) {
    if (!isAcmeError(error)) throw error;
    if (error.problem.kind === "accountDoesNotExist") return undefined;
    if (error.code === "ACME_UNAUTHORIZED") throw asAccountError(error);
    throw error;
  }
}

/**
 * Sets the contacts; none removes them. RFC 8555 section 7.3.2.
 * @throws AcmeError and TlsError of the request, ACME_ACCOUNT when the CA does not take them
 */
export async function updateContacts(
  session: AcmeSession,
  accountUrl: string,
  contacts: readonly string[],
  deadline: Deadline,
): Promise<Account> {
  return change(session, accountUrl, { contact: contacts.map(renderContact) }, "changing the contacts of", deadline);
}

/**
 * Asks the CA for the account, POST-as-GET.
 * @throws AcmeError and TlsError of the request; ACME_ACCOUNT when it is deactivated or not this key's
 */
export async function readAccount(session: AcmeSession, accountUrl: string, deadline: Deadline): Promise<Account> {
  return change(session, accountUrl, "", "reading", deadline);
}

/** Names the CA by the host of its directory. */
function renderCa({ directoryUrl }: AcmeSession): string {
  return new URL(directoryUrl).host;
}

async function change(
  session: AcmeSession,
  url: string,
  payload: unknown,
  verb: string,
  deadline: Deadline,
): Promise<Account> {
  const doing = `${verb} the account ${renderUrl(parseAcmeUrl(url, verb))}`;
  const directory = await session.directory(deadline);
  try {
    const response = await session.post(url, payload, { kid: url, doing, deadline });
    return refuseUnusable(readAnswer(response, url, directory, doing), doing);
  } catch (error) {
    if (isAcmeError(error) && error.code === "ACME_UNAUTHORIZED") throw asAccountError(error);
    throw error;
  }
}

function refuseIncomplete(request: AccountRequest, { meta }: AcmeDirectory, doing: string): void {
  if (meta.termsOfService !== undefined && !request.acceptTermsOfService) {
    throw new TlsError(
      "ACME_ACCOUNT",
      `${doing}: the CA's terms of service, ${renderCaText(meta.termsOfService)}, are not accepted.`,
      {
        hint: "Read them and set acceptTermsOfService: true.",
      },
    );
  }
  if (meta.externalAccountRequired === true && request.externalAccountBinding === undefined) {
    throw new TlsError(
      "ACME_ACCOUNT",
      `${doing}: this CA makes accounts for its customers only, and no binding is given.`,
      {
        hint: "Get a key identifier and an HMAC key in the CA's console and give them as externalAccountBinding.",
      },
    );
  }
}

function refuseUnusable(account: Account, doing: string): Account {
  if (account.status === "valid") return account;
  throw new TlsError("ACME_ACCOUNT", `${doing}: the account is ${renderQuoted(account.status)}, expected "valid".`, {
    hint: "It does not come back: leave accountKeyPem out or give another key, and a new account is made.",
  });
}

function accountUrlOf(
  { headers: { location } }: AcmeResponse,
  session: AcmeSession,
  { newAccount }: AcmeDirectory,
  doing: string,
): string {
  if (location !== undefined) return session.readLink(location, `${doing}: the account's URL`, newAccount);
  throw new TlsError("ACME_PROTOCOL", `${doing}: the answer does not say the account's URL (header Location).`);
}

function readAnswer({ body }: AcmeResponse, url: string, directory: AcmeDirectory, doing: string): Account {
  const json = parseObject(body);
  if (json === undefined) throw new TlsError("ACME_PROTOCOL", `${doing}: the answer is no JSON object.`);
  const { status, contact } = json;
  const { termsOfService } = directory.meta;
  return {
    url,
    // RFC 8555 section 7.1.2 requires it; a CA that leaves it out has no other accounts than valid ones
    status: typeof status === "string" ? status : "valid",
    contacts: Array.isArray(contact) ? contact.filter((one) => typeof one === "string") : [],
    ...(termsOfService !== undefined && { termsOfService }),
  };
}

/** The same with a code that says that the account is at fault. */
function asAccountError({ reason, hint: told, retryAt, problem }: AcmeError, hint = told): AcmeError {
  return new AcmeError("ACME_ACCOUNT", reason, {
    ...(hint !== undefined && { hint }),
    ...(retryAt !== undefined && { retryAt }),
    ...(problem !== undefined && { problem }),
  });
}

/** RFC 8555 section 7.3: contacts are URLs. */
function renderContact(contact: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(contact) ? contact : `mailto:${contact}`;
}
