// Guards that outputs can be read on a terminal: texts in full, lists as tables, secrets never.

/**
 * The outputs of a stack as text: tables first (renewals, ports), then the other outputs, with their name as heading.
 * @param {Record<string, {value: unknown, secret: boolean}>} outputs
 */
export function renderOutputs(outputs) {
  const blocks = Object.entries(outputs).map(([name, { value, secret }]) => {
    if (secret) return { rank: 2, text: `${name}: [secret]` };
    const rows = readRows(value);
    if (rows !== undefined) return { rank: 0, text: `${name}:\n${renderTable(rows)}` };
    if (typeof value === "string" && !value.includes("\n")) return { rank: 1, text: `${name}: ${value}` };
    const text = typeof value === "string" ? value.trimEnd() : JSON.stringify(value, null, 2);
    return { rank: 1, text: `${name}:\n${text}` };
  });
  return blocks
    .sort((one, other) => one.rank - other.rank)
    .map((block) => block.text)
    .join("\n\n");
}

/**
 * The outputs as data, with "[secret]" in the place of secret ones.
 * @param {Record<string, {value: unknown, secret: boolean}>} outputs
 */
export function maskOutputs(outputs) {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, secret }]) => [name, secret ? "[secret]" : value]),
  );
}

/**
 * Rows of a table: a list of flat objects, or an object of flat objects, whose names become the first column.
 * @param {unknown} value
 * @returns {Record<string, unknown>[] | undefined}
 */
function readRows(value) {
  if (!isObject(value)) return undefined;
  /** @type {unknown[]} */
  const rows = Array.isArray(value)
    ? value
    : Object.entries(value).map(([name, row]) => (isObject(row) && !Array.isArray(row) ? { name, ...row } : row));
  return rows.length > 0 && rows.every(isRow) ? rows : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null;
}

/**
 * Whether all values fit into a cell.
 * @param {unknown} row
 * @returns {row is Record<string, unknown>}
 */
function isRow(row) {
  if (!isObject(row) || Array.isArray(row)) return false;
  return Object.values(row).every(
    (cell) => !renderCell(cell).includes("\n") && (!isObject(cell) || Array.isArray(cell)),
  );
}

/** @param {unknown} cell */
function renderCell(cell) {
  return Array.isArray(cell) ? cell.join(", ") : String(cell ?? "");
}

/** @param {Record<string, unknown>[]} rows */
function renderTable(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => renderCell(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  return lines
    .map((line) => `  ${line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}
