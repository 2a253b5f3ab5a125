// Formats figures, and tables that are readable both on a terminal and as Markdown.
import { median } from './rounds.mjs';

/** Throws for a figure that could not be measured. */
export function format(value, digits = 0) {
  if (!Number.isFinite(value)) throw new Error('a figure is missing');
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** The median. */
export function middle(values, digits) {
  return format(median(values), digits);
}

/** The range of values. */
export function spread(values, digits) {
  return `${format(Math.min(...values), digits)} – ${format(Math.max(...values), digits)}`;
}

/** `rows`: objects with the same members. Columns of figures are right-aligned. */
export function table(rows) {
  const names = Object.keys(rows[0]);
  const columns = names.map((name) => {
    const cells = rows.map((row) => String(row[name]));
    return { name, cells, width: Math.max(3, name.length, ...cells.map(({ length }) => length)) };
  });
  const isRight = (cells) => cells.every((cell) => /^[\d–-]/.test(cell));
  const line = (cellOf) =>
    `| ${columns.map((column) => (isRight(column.cells) ? cellOf(column).padStart(column.width) : cellOf(column).padEnd(column.width))).join(' | ')} |`;
  const rule = columns.map(({ cells, width }) => '-'.repeat(width + 1) + (isRight(cells) ? ':' : '-'));
  const body = rows.map((_, index) => line(({ cells }) => cells[index]));
  return [line(({ name }) => name), `|${rule.join('|')}|`, ...body].join('\n');
}
