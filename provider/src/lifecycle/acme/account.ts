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
import { type KeyType, renderPrivateKey } from "../../x509/keys/private-key";
import { acmeAccountDescription } from "../descriptions";
import { isKnown, isSameValue, type Lifecycle, type Properties, UnfinishedError } from "../lifecycle";
import { generatePrivateKey } from "../local/key-generation";
import { checkAcmeAccount } from "./account-inputs";
import { tellEngine } from "./engine";
import { readSessionRequest, sessionFor, within } from "./session";
import { ALWAYS } from "./standing-records";

/** For all requests about an account together. */
const ACCOUNT_SECONDS = 120;

/** A refresh that finds no CA goes on without one. */
const REFRESH_SECONDS = 10;

const madeProperties = ["accountKeyPem", "thumbprint"] as const;
const factProperties = [
  "accountUrl",
  "status",
  "rehearsalAccountKeyPem",
  "termsOfServiceUrl",
  "profiles",
  "requiresExternalAccountBinding",
  "offersRenewalInformation",
  "caaIdentities",
  "issuerDomainNames",
  "accountHashPrefix",
  "rehearsalAccount",
] as const;

/** An account at a CA: found by its key, or made. */
export const acmeAccount: Lifecycle = {
  ...acmeAccountDescription,
  policyProperties: ["externalAccountKeyId", "externalAccountHmac", "acceptTermsOfService"],
  derivedProperties: () => ["directoryUrl", "rehearsalDirectoryUrl", "thumbprint"],
  computedProperties: (state) =>
    state.keyType === undefined ? factProperties : [...factProperties, ...madeProperties],
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
    if (typeof state.accountUrl !== "string") return {};
    const session = sessionFor(readSessionRequest(state));
    return within(REFRESH_SECONDS, async (deadline) => {
      const account = await readAccount(session, state.accountUrl as string, deadline);
      const offers = await offersOf(session, deadline);
      const known = state.rehearsalAccount ?? undefined;
      const rehearsalAccount = known ?? (await rehearsalAccountOf(state, state.accountKeyPem as string, deadline));
      return { ...factsOf(account), ...offers, rehearsalAccount };
    });
  },
  delete: async (_id, state) => {
    if (state.deactivateOnDestroy !== true || typeof state.accountUrl !== "string") return;
    refuseBeforeRecordsEnd(state, new Date());
    const session = sessionFor(readSessionRequest(state));
    await within(ACCOUNT_SECONDS, (deadline) => deactivateAccount(session, state.accountUrl as string, deadline));
  },
};

/** Deactivating ends everything that the account was authorised to by records in the DNS, at once and for good. */
function refuseBeforeRecordsEnd({ recordsUntil: until }: Properties, now: Date): void {
  if (typeof until !== "string" || (until !== ALWAYS && (readMoment(until) ?? now) <= now)) return;
  const end = until === ALWAYS ? "for good" : `until ${until}`;
  throw new TlsError(
    "ACME_ACCOUNT",
    `the account is not deactivated: records in the DNS authorise it ${end} (recordsUntil), and no certificate that relies on them would renew.`,
    {
      hint: "To leave it at the CA, set deactivateOnDestroy: false; to deactivate it, take the records out of the DNS and recordsUntil out of the account. Then run `pulumi up`, and destroy again.",
    },
  );
}

function explain(state: Properties | undefined, inputs: Properties): string | undefined {
  const { directoryUrl } = inputs;
  if (typeof directoryUrl !== "string") return undefined;
  const at = nameOfDirectory(directoryUrl) ?? directoryUrl;
  if (state === undefined) return `finds the account of its key at ${at}, or makes it`;
  if (typeof state.accountUrl !== "string") return `makes the account at ${at}, which failed before`;
  const isNewKey = typeof inputs.thumbprint === "string" && inputs.thumbprint !== state.thumbprint;
  return isNewKey ? `rolls the account at ${at} over to the new key` : undefined;
}

async function keyOf(inputs: Properties): Promise<string> {
  if (typeof inputs.accountKeyPem === "string") return inputs.accountKeyPem;
  return renderPrivateKey(await generatePrivateKey(inputs.keyType as KeyType));
}

async function update(id: string, state: Properties, inputs: Properties): Promise<Properties> {
  const accountKeyPem = (inputs.accountKeyPem ?? state.accountKeyPem ?? (await keyOf(inputs))) as string;
  const kept = { accountKeyPem, rehearsalAccountKeyPem: state.rehearsalAccountKeyPem };
  if (typeof state.accountUrl !== "string") return register(id, inputs, kept);
  const accountUrl = state.accountUrl;
  return within(ACCOUNT_SECONDS, async (deadline) => {
    const newKey = readAccountKey(accountKeyPem);
    if (newKey.thumbprint !== state.thumbprint) {
      const old = sessionFor(readSessionRequest({ ...inputs, accountKeyPem: state.accountKeyPem }));
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

/** A key that was made is kept whatever happens: the CA may know it already. */
async function register(id: string, inputs: Properties, made: Properties): Promise<Properties> {
  const accountKeyPem = made.accountKeyPem as string;
  const rehearsalAccountKeyPem = made.rehearsalAccountKeyPem ?? renderPrivateKey(await generatePrivateKey("P256"));
  const outputs = { accountKeyPem, thumbprint: readAccountKey(accountKeyPem).thumbprint, rehearsalAccountKeyPem };
  const session = sessionFor(readSessionRequest({ ...inputs, accountKeyPem }));
  const { externalAccountKeyId: keyId, externalAccountHmac: hmacBase64 } = inputs;
  try {
    return await within(ACCOUNT_SECONDS, async (deadline) => {
      const request = {
        contacts: contactsOf(inputs),
        acceptTermsOfService: true,
        ...(typeof keyId === "string" &&
          typeof hmacBase64 === "string" && { externalAccountBinding: { keyId, hmacBase64 } }),
      };
      const account = await ensureAccount(session, request, deadline);
      const rehearsalAccount = await rehearsalAccountOf(inputs, accountKeyPem, deadline);
      return { ...outputs, ...factsOf(account), ...(await offersOf(session, deadline)), rehearsalAccount };
    });
  } catch (error) {
    throw error instanceof Error ? new UnfinishedError(id, outputs, error) : error;
  }
}

function contactsOf({ contacts }: Properties): readonly string[] {
  return Array.isArray(contacts) ? contacts.map((address) => `mailto:${address}`) : [];
}

function factsOf({ url, status }: Account): Properties {
  return { accountUrl: url, status };
}

/** What the directory says, as far as a program decides by it; null where it says nothing. */
async function offersOf(session: AcmeSession, deadline: Deadline): Promise<Properties> {
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
function issuerOf({ caaIdentities, issuerDomainNames, accountHashPrefix }: DirectoryMeta): Properties {
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
  { recordsUntil, ...inputs }: Properties,
  accountKeyPem: string,
  deadline: Deadline,
): Promise<Properties | null> {
  const directoryUrl = inputs.rehearsalDirectoryUrl;
  if (recordsUntil === undefined || typeof directoryUrl !== "string") return null;
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
