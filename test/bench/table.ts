import { isMissed, type Measurement, type Quantity, ratioOf } from "./measurement.ts";

const HEADINGS = ["", "measured", "reference", "ratio", "target", ""];

/** Renders measurements as a table of text; a line whose target is missed ends with MISSED. */
export function renderTable(measurements: readonly Measurement[]): string {
  const rows = [HEADINGS, ...measurements.map(renderRow)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** The first column and the last are words, the others numbers. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 || column === HEADINGS.length - 1 ? cell.padEnd(width) : cell.padStart(width);
}

function renderRow(measurement: Measurement): string[] {
  const { subject, measured, reference, target, note } = measurement;
  const ratio = ratioOf(measurement);
  const remarks = [
    isMissed(measurement) ? "MISSED" : undefined,
    reference === undefined ? undefined : `against ${reference.what}`,
    note,
  ];
  return [
    subject,
    renderQuantity(measured),
    reference === undefined ? "" : renderQuantity(reference),
    ratio === undefined ? "" : ratio.toPrecision(3),
    target === undefined
      ? ""
      : `≤ ${target.of === "ratio" ? target.atMost : renderQuantity({ ...measured, value: target.atMost })}`,
    remarks.filter((remark) => remark !== undefined).join("; "),
  ];
}

function renderQuantity({ value, unit }: Quantity): string {
  if (unit === "ms") return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${shorten(value)} ms`;
  return unit === "B" ? `${value} B` : shorten(value);
}

function shorten(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
