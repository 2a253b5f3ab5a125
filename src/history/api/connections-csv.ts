// Connections as CSV (RFC 4180). It is written page by page, as fast as the client reads, so that an export of any length needs the memory
// of one page.
import { Readable } from 'node:stream';
import type { Selectable } from 'kysely';
import type { LargeReads } from '../../http/large-reads.js';
import type { ConnectionFilter, ConnectionPage, Connections, Order } from '../connections.js';
import type { ConnectionRow } from '../tables.js';
import { connectionResponse } from './responses.js';

export const CSV_CONTENT_TYPE = 'text/csv; charset=utf-8; header=present';

const COLUMNS = [
  'participantId',
  'deviceId',
  'source',
  'scope',
  'tag',
  'startedAt',
  'connectedAt',
  'endedAt',
  'durationMs',
  'cause',
  'interruptions',
] as const;
const PAGE_SIZE = 500;

interface Query {
  readonly filter: ConnectionFilter;
  readonly order: Order;
}

/** Whether a client prefers CSV to JSON: it names the type, and does not refuse it. */
export function acceptsCsv(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'text/csv' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** Resolves when the first page is read, so that an error of the query is a response. Rejects with HistoryUnavailableError. */
export async function connectionsCsv(
  connections: Connections,
  reads: LargeReads,
  { filter, order }: Query,
): Promise<{ readonly stream: Readable; readonly isComplete: boolean }> {
  const pageAfter = (after: ConnectionPage['next']) =>
    reads.run(PAGE_SIZE, () => connections.page(filter, { after, order, limit: PAGE_SIZE }));
  const first = await pageAfter(null);
  async function* texts() {
    yield lineOf(COLUMNS);
    for (let page = first; ; page = await pageAfter(page.next)) {
      yield page.rows.map(csvLine).join('');
      if (!page.next) return;
    }
  }
  return { stream: Readable.from(texts(), { objectMode: false }), isComplete: first.isComplete };
}

function csvLine(row: Selectable<ConnectionRow>): string {
  const response = connectionResponse(row);
  return lineOf(COLUMNS.map((name) => response[name] ?? ''));
}

function lineOf(cells: readonly (string | number)[]): string {
  return `${cells.map(cellOf).join()}\r\n`;
}

/** A spreadsheet would calculate a text that begins like a formula: https://owasp.org/www-community/attacks/CSV_Injection */
function cellOf(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
