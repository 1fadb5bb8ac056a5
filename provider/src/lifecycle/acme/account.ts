import {
  type Account,
  deactivateAccount,
  ensureAccount,
  readAccount,
  rollOverKey,
  updateContacts,
} from "../../acme/account/account";
import { type DirectoryMeta, nameOfDirectory } from "../../acme/client/directory";
import { readAccountKey } from "../../acme/client/jws";
import type { AcmeSession } from "../../acme/client/session";
import type { Deadline } from "../../acme/run/deadline";
import { isTlsError, TlsError } from "../../errors";
import { readMoment } from "../../text/time";
import { renderPrivateKey } from "../../x509/keys/private-key";
import { decoded } from "../decoder";
import { acmeAccountDescription } from "../descriptions";
import { isKnown, isSameValue, type Outputs, type Preview, UnfinishedError } from "../lifecycle";
import { generatePrivateKey } from "../local/key-generation";
import { checkAcmeAccount } from "./account-inputs";
import { type AccountInputs, type AccountState, accountDecoders, accountFactNames } from "./account-state";
import { tellEngine } from "./engine";
import { readSessionRequest, sessionFor, within } from "./session";
import { ALWAYS } from "./standing-records";

/** For all requests about an account together. */
const ACCOUNT_SECONDS = 120;

/** A refresh that finds no CA goes on without one. */
const REFRESH_SECONDS = 10;

const madeProperties = ["accountKeyPem", "thumbprint"] as const;

/** An account at a CA: found by its key, or made. */
export const acmeAccount = decoded(accountDecoders, {
  ...acmeAccountDescription,
  policyProperties: ["externalAccountKeyId", "externalAccountHmac", "acceptTermsOfService"],
  derivedProperties: () => ["directoryUrl", "rehearsalDirectoryUrl", "thumbprint"],
  computedProperties: (state) =>
    state.keyType === undefined ? accountFactNames : [...accountFactNames, ...madeProperties],
  check: checkAcmeAccount,
  replaces: (state, inputs) =>
    isKnown(inputs.directoryUrl) && inputs.directoryUrl !== state.directoryUrl ? ["directory"] : [],
  explain,
  create: async (inputs) => {
    const accountKeyPem = await keyOf(inputs);
    const id = readAccountKey(accountKeyPem).thumbprint;
    return { id, outputs: await register(id, inputs, { accountKeyPem }) };
  },
  update,
  refresh: async (_id, state) => {
    const { accountUrl, directoryUrl, accountKeyPem, rehearsalAccount: known } = state;
    if (accountUrl === undefined || directoryUrl === undefined || accountKeyPem === undefined) return {};
    const session = sessionFor(readSessionRequest({ ...state, directoryUrl, accountKeyPem }));
    return within(REFRESH_SECONDS, async (deadline) => {
      const account = await readAccount(session, accountUrl, deadline);
      const offers = await offersOf(session, deadline);
      const rehearsalAccount = known ?? (await rehearsalAccountOf(state, accountKeyPem, deadline));
      return { ...factsOf(account), ...offers, rehearsalAccount };
    });
  },
  delete: async (_id, state) => {
    const { accountUrl, directoryUrl, accountKeyPem, deactivateOnDestroy } = state;
    if (deactivateOnDestroy !== true) return;
    if (accountUrl === undefined || directoryUrl === undefined || accountKeyPem === undefined) return;
    refuseBeforeRecordsEnd(state, new Date());
    const session = sessionFor(readSessionRequest({ ...state, directoryUrl, accountKeyPem }));
    await within(ACCOUNT_SECONDS, (deadline) => deactivateAccount(session, accountUrl, deadline));
  },
});

/** Deactivating ends everything that the account was authorised to by records in the DNS, at once and for good. */
function refuseBeforeRecordsEnd({ recordsUntil: until }: AccountState, now: Date): void {
  if (until === undefined || (until !== ALWAYS && (readMoment(until) ?? now) <= now)) return;
  const end = until === ALWAYS ? "for good" : `until ${until}`;
  throw new TlsError(
    "ACME_ACCOUNT",
    `the account is not deactivated: records in the DNS authorise it ${end} (recordsUntil), and no certificate that relies on them would renew.`,
    {
      hint: "To leave it at the CA, set deactivateOnDestroy: false; to deactivate it, take the records out of the DNS and recordsUntil out of the account. Then run `pulumi up`, and destroy again.",
    },
  );
}

function explain(state: Preview<AccountState> | undefined, inputs: Preview<AccountInputs>): string | undefined {
  const { directoryUrl } = inputs;
  if (typeof directoryUrl !== "string") return undefined;
  const at = nameOfDirectory(directoryUrl) ?? directoryUrl;
  if (state === undefined) return `finds the account of its key at ${at}, or makes it`;
  if (typeof state.accountUrl !== "string") return `makes the account at ${at}, which failed before`;
  const isNewKey = typeof inputs.thumbprint === "string" && inputs.thumbprint !== state.thumbprint;
  return isNewKey ? `rolls the account at ${at} over to the new key` : undefined;
}

async function keyOf({ accountKeyPem, keyType }: AccountInputs): Promise<string> {
  if (accountKeyPem !== undefined) return accountKeyPem;
  if (keyType === undefined) throw new TypeError("check chooses the type of a key that is not given");
  return renderPrivateKey(await generatePrivateKey(keyType));
}

async function update(id: string, state: AccountState, inputs: AccountInputs): Promise<Outputs<AccountState>> {
  const accountKeyPem = inputs.accountKeyPem ?? state.accountKeyPem ?? (await keyOf(inputs));
  const kept = { accountKeyPem, rehearsalAccountKeyPem: state.rehearsalAccountKeyPem };
  const { accountUrl } = state;
  if (accountUrl === undefined) return register(id, inputs, kept);
  return within(ACCOUNT_SECONDS, async (deadline) => {
    const newKey = readAccountKey(accountKeyPem);
    if (newKey.thumbprint !== state.thumbprint) {
      const old = sessionFor(readSessionRequest({ ...inputs, accountKeyPem: state.accountKeyPem ?? accountKeyPem }));
      await rollOverKey(old, accountUrl, newKey, deadline);
    }
    const session = sessionFor(readSessionRequest({ ...inputs, accountKeyPem }));
    const isChanged = !isSameValue(state.contacts, inputs.contacts);
    const account = isChanged
      ? await updateContacts(session, accountUrl, contactsOf(inputs), deadline)
      : await readAccount(session, accountUrl, deadline);
    const rehearsalAccount = await rehearsalAccountOf(inputs, accountKeyPem, deadline);
    const facts = { ...factsOf(account), ...(await offersOf(session, deadline)), rehearsalAccount };
    return { ...kept, thumbprint: newKey.thumbprint, ...facts };
  });
}

/** The account's key, and that of its rehearsals where an earlier run made it. */
interface MadeKeys {
  readonly accountKeyPem: string;
  readonly rehearsalAccountKeyPem?: string | undefined;
}

/** A key that was made is kept whatever happens: the CA may know it already. */
async function register(id: string, inputs: AccountInputs, made: MadeKeys): Promise<Outputs<AccountState>> {
  const { accountKeyPem } = made;
  const rehearsalAccountKeyPem = made.rehearsalAccountKeyPem ?? renderPrivateKey(await generatePrivateKey("P256"));
  const outputs = { accountKeyPem, thumbprint: readAccountKey(accountKeyPem).thumbprint, rehearsalAccountKeyPem };
  const session = sessionFor(readSessionRequest({ ...inputs, accountKeyPem }));
  const { externalAccountKeyId: keyId, externalAccountHmac: hmacBase64 } = inputs;
  try {
    return await within(ACCOUNT_SECONDS, async (deadline) => {
      const request = {
        contacts: contactsOf(inputs),
        acceptTermsOfService: true,
        ...(keyId !== undefined && hmacBase64 !== undefined && { externalAccountBinding: { keyId, hmacBase64 } }),
      };
      const account = await ensureAccount(session, request, deadline);
      const rehearsalAccount = await rehearsalAccountOf(inputs, accountKeyPem, deadline);
      return { ...outputs, ...factsOf(account), ...(await offersOf(session, deadline)), rehearsalAccount };
    });
  } catch (error) {
    throw error instanceof Error ? new UnfinishedError(id, outputs, error) : error;
  }
}

function contactsOf({ contacts = [] }: AccountInputs): readonly string[] {
  return contacts.map((address) => `mailto:${address}`);
}

function factsOf({ url, status }: Account): Outputs<AccountState> {
  return { accountUrl: url, status };
}

/** What the directory says, as far as a program decides by it; null where it says nothing. */
async function offersOf(session: AcmeSession, deadline: Deadline): Promise<Outputs<AccountState>> {
  const { meta, renewalInfo } = await session.directory(deadline);
  return {
    termsOfServiceUrl: meta.termsOfService ?? null,
    profiles: Object.keys(meta.profiles ?? {}).sort(),
    requiresExternalAccountBinding: meta.externalAccountRequired === true,
    offersRenewalInformation: renewalInfo !== undefined,
    ...issuerOf(meta),
  };
}

/** What records of dns-persist-01 are made of. */
function issuerOf({ caaIdentities, issuerDomainNames, accountHashPrefix }: DirectoryMeta) {
  return {
    caaIdentities: caaIdentities ?? null,
    issuerDomainNames: issuerDomainNames ?? null,
    accountHashPrefix: accountHashPrefix ?? null,
  };
}

/**
 * The account of the same key at the CA's staging, for whose rehearsals the standing records are too. A staging that does not
 * answer keeps no account back: the next refresh asks again.
 */
async function rehearsalAccountOf(
  { recordsUntil, ...inputs }: AccountInputs | AccountState,
  accountKeyPem: string,
  deadline: Deadline,
): Promise<Outputs<AccountState>["rehearsalAccount"]> {
  const directoryUrl = inputs.rehearsalDirectoryUrl;
  if (recordsUntil === undefined || directoryUrl === undefined) return null;
  const session = sessionFor(readSessionRequest({ ...inputs, directoryUrl, accountKeyPem }));
  try {
    const { url } = await ensureAccount(session, { contacts: [], acceptTermsOfService: true }, deadline);
    const { meta } = await session.directory(deadline);
    return { accountUrl: url, ...issuerOf(meta) };
  } catch (error) {
    if (!isTlsError(error)) throw error;
    tellEngine(`the account at the staging was not found or made, so no records are for it: ${error.reason}`);
    return null;
  }
}
