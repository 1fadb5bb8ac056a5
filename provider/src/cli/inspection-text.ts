import type { InspectedCertificate, Inspection, InspectionFinding } from "../files/inspection";
import { renderPath } from "../files/path-text";
import { renderQuoted } from "../text/quoted";
import { renderDuration } from "../text/time";
import { PASSPHRASE_VARIABLE } from "./passphrase";

/** Renders what was found for a person: tables where one looks, the verdict last, where the cursor stands. */
export function renderInspection(inspection: Inspection): string {
  const { certificates, findings } = inspection;
  const sections = [
    renderSection("files", renderFiles(inspection)),
    renderSection("certificates", [
      ...renderCertificates(certificates, new Date(inspection.asOf)),
      "",
      ...renderIdentities(certificates),
    ]),
    renderSection("names", renderNames(certificates)),
    renderSection("private keys", renderKeys(inspection)),
    renderSection("findings", findings.flatMap(renderFinding)),
    renderVerdict(inspection),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** A heading and its lines; nothing when there is none that says something. */
function renderSection(title: string, lines: readonly string[]): string {
  if (lines.every((line) => line === "")) return "";
  return [`${title}:`, ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

function renderFiles({ files }: Inspection): readonly string[] {
  const rows = files.map(({ path, format, certificates, privateKeys }) => [
    renderPath(path),
    format ?? "unreadable",
    `${certificates}`,
    `${privateKeys}`,
  ]);
  return renderTable(["file", "format", "certificates", "keys"], rows);
}

function renderCertificates(certificates: readonly InspectedCertificate[], now: Date): readonly string[] {
  const rows = certificates.map((one) => [
    one.role,
    subjectOf(one),
    one.keyType,
    one.validFrom,
    one.validTo,
    renderRemaining(one, now),
    one.issuer,
  ]);
  return renderTable(["role", "subject", "key", "valid from", "valid to", "left", "issuer"], rows);
}

function renderRemaining({ validFrom, validTo }: InspectedCertificate, now: Date): string {
  if (now < new Date(validFrom)) return "not yet valid";
  const left = new Date(validTo).getTime() - now.getTime();
  return left <= 0 ? "expired" : renderDuration(left);
}

/** In a table of their own: side by side with the dates they would fit no terminal. */
function renderIdentities(certificates: readonly InspectedCertificate[]): readonly string[] {
  const rows = certificates.map(({ role, serialNumber, fingerprintSha256 }) => [role, serialNumber, fingerprintSha256]);
  return renderTable(["role", "serial number", "SHA-256 fingerprint"], rows);
}

function renderNames(certificates: readonly InspectedCertificate[]): readonly string[] {
  const named = certificates.filter(({ names = [] }) => names.length > 0);
  return renderTable(
    ["subject", "names"],
    named.map((one) => [subjectOf(one), (one.names ?? []).map(renderName).join(", ")]),
  );
}

/** A certificate may name anything, also what would turn the direction of a terminal. */
function renderName(name: string): string {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u.test(name) ? name : renderQuoted(name);
}

function subjectOf({ subject }: InspectedCertificate): string {
  return subject === "" ? "(empty)" : subject;
}

function renderKeys({ privateKeys }: Inspection): readonly string[] {
  const rows = privateKeys.map(({ file, keyType, fits }) => [renderPath(file), keyType, fits ? "yes" : "no"]);
  return renderTable(["file", "key", "belongs to the certificate"], rows);
}

function renderFinding({ severity, code, reason, hint }: InspectionFinding): readonly string[] {
  const isAboutPassphrase = code === "KEY_ENCRYPTED" || code === "CONTAINER_ENCRYPTED";
  const means = isAboutPassphrase
    ? [`    Here it comes from the first line of --passphrase-file <file>, or from ${PASSPHRASE_VARIABLE}.`]
    : [];
  return [`${severity} ${code}: ${reason.replace(/\.$/, "")}.`, `    ${hint}`, ...means];
}

function renderVerdict({ isAccepted, asOf, findings }: Inspection): string {
  const counts = (["error", "warning", "note"] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  const found = counts.length === 0 ? "nothing to report" : counts.join(", ");
  return `${isAccepted ? "accepted" : "refused"} as of ${asOf}: ${found}`;
}

/** Nothing when there is no row. */
function renderTable(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const lines = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => [...(line[at] ?? "")].length)));
  return lines.map((line) =>
    line
      .map((cell, at) => cell + " ".repeat((widths[at] ?? 0) - [...cell].length))
      .join("  ")
      .trimEnd(),
  );
}
