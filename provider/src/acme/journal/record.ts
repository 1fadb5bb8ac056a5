import { createHash } from "node:crypto";
import type { OrderProgress, OrderStep } from "../order/journey";
import { openText, type SealedText, sealText } from "./cipher";

/** What an order is found by. */
export interface JournalKey {
  /** The URL of the CA's directory. */
  readonly directory: string;
  /** The certificate's key is encrypted under it. */
  readonly accountKey: { readonly pem: string; readonly thumbprint: string };
  /** In canonical form. */
  readonly identifiers: readonly string[];
  /** Of the resource, or whatever else tells two orders for the same names apart. */
  readonly name: string;
}

/** What is known of an order before it is made. */
export interface OrderFacts {
  readonly accountUrl: string;
  readonly profile?: string;
}

/** How far an order came, as a record tells. */
export interface RecordedOrder extends OrderFacts {
  readonly step: OrderStep;
  readonly progress: OrderProgress;
  readonly startedAt: string;
  readonly savedAt: string;
  /** Its result went back to the engine. The certificate's key is gone from the record then. */
  readonly isReturned: boolean;
}

/** The file. What is absent is not known. */
interface RecordFile extends OrderFacts {
  readonly version: 1;
  readonly directory: string;
  readonly name: string;
  readonly identifiers: readonly string[];
  readonly step: OrderStep;
  readonly startedAt: string;
  readonly savedAt: string;
  readonly progress: Omit<OrderProgress, "certificateKeyPem">;
  readonly certificateKey?: SealedText;
  readonly returned?: true;
}

/** What a record without its key tells. */
export interface RecordOutline {
  readonly identifiers: readonly string[];
  readonly savedAt: string;
  readonly isReturned: boolean;
  /** Whether answers to challenges may still be in place. */
  readonly hasPresented: boolean;
}

/** The name of the record's file without ending: 32 hexadecimal digits. */
export function recordName({ directory, accountKey, identifiers, name }: JournalKey): string {
  const facts = [directory, accountKey.thumbprint, [...identifiers].sort(), name];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

/** The text of a record; the certificate's key is in it encrypted only, and not at all when it is returned. */
export function renderRecord(key: JournalKey, order: RecordedOrder): string {
  const { certificateKeyPem, ...progress } = order.progress;
  const { accountUrl, profile, step, startedAt, savedAt, isReturned } = order;
  const file: RecordFile = {
    version: 1,
    directory: key.directory,
    accountUrl,
    name: key.name,
    identifiers: key.identifiers,
    ...(profile !== undefined && { profile }),
    step,
    startedAt,
    savedAt,
    progress,
    ...(certificateKeyPem !== undefined &&
      !isReturned && { certificateKey: sealText(certificateKeyPem, key.accountKey.pem, recordName(key)) }),
    ...(isReturned && { returned: true }),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Reads a record; undefined for what is none, is of another version, or holds a key that this account can't open. */
export function readRecord(text: string, key: JournalKey): RecordedOrder | undefined {
  const file = parseRecord(text);
  if (file === undefined || file.directory !== key.directory) return undefined;
  const { certificateKey, accountUrl, profile, step, progress, startedAt, savedAt, returned } = file;
  const certificateKeyPem =
    certificateKey === undefined ? undefined : openText(certificateKey, key.accountKey.pem, recordName(key));
  if (certificateKey !== undefined && certificateKeyPem === undefined) return undefined;
  return {
    accountUrl,
    ...(profile !== undefined && { profile }),
    step,
    progress: { ...progress, ...(certificateKeyPem !== undefined && { certificateKeyPem }) },
    startedAt,
    savedAt,
    isReturned: returned === true,
  };
}

/** What a record tells without any key; undefined for what is none. */
export function readOutline(text: string): RecordOutline | undefined {
  const file = parseRecord(text);
  if (file === undefined) return undefined;
  const { identifiers, savedAt, returned, progress } = file;
  return { identifiers, savedAt, isReturned: returned === true, hasPresented: (progress.presented ?? []).length > 0 };
}

type Fields = Readonly<Record<string, unknown>>;

function parseRecord(text: string): RecordFile | undefined {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isFields(file) && isRecordFile(file) ? (file as unknown as RecordFile) : undefined;
}

function isRecordFile(file: Fields): boolean {
  const { version, identifiers, progress, certificateKey, returned, startedAt, savedAt, profile } = file;
  if (version !== 1 || (returned !== undefined && returned !== true)) return false;
  if (![file.directory, file.accountUrl, file.name, file.step].every(isText)) return false;
  if (!isMoment(startedAt) || !isMoment(savedAt) || !isTextOrAbsent(profile)) return false;
  if (!Array.isArray(identifiers) || !identifiers.every(isText)) return false;
  if (!isFields(progress) || !isProgress(progress)) return false;
  if (certificateKey === undefined) return true;
  const { salt, iv, tag, data } = isFields(certificateKey) ? certificateKey : ({} as Fields);
  return [salt, iv, tag, data].every(isText);
}

function isProgress(progress: Fields): boolean {
  const { orderUrl, finalizedAt, certificateUrl, replacesDropped, presented, certificateKeyPem } = progress;
  return (
    [orderUrl, finalizedAt, certificateUrl].every(isTextOrAbsent) &&
    (replacesDropped === undefined || typeof replacesDropped === "boolean") &&
    (presented === undefined || (Array.isArray(presented) && presented.every(isPresented))) &&
    certificateKeyPem === undefined
  );
}

function isPresented(answer: unknown): boolean {
  if (!isFields(answer) || !isText(answer.type) || !isFields(answer.task)) return false;
  const { identifier, isWildcard, token, keyAuthorization } = answer.task;
  if (!isFields(identifier) || typeof isWildcard !== "boolean") return false;
  return [identifier.type, identifier.value, token, keyAuthorization].every(isText);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isMoment(value: unknown): boolean {
  return isText(value) && !Number.isNaN(Date.parse(value));
}
