// Exports that were interrupted, and files that are not whole, or not exports.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ExportFile } from '../../src/transfer/export-file.js';
import { Exporter } from '../../src/transfer/exporter.js';
import type { ImportCounts } from '../../src/transfer/importer.js';
import { type OpenStorage, openSqlite } from '../contract/stores.js';
import { connected } from '../domain/builders.js';
import { lengthOf } from '../length.js';
import { bodyOf, exportOf, fill, importInto, NOW_MS, PAGE_SIZE, record } from './transfer.js';

let folder: string;
let source: OpenStorage;
let target: OpenStorage;
let text: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-export-'));
  [source, target] = [await openSqlite(), await openSqlite()];
  await fill(source.storage, 120);
  text = await exportOf(source.storage);
});
afterEach(async () => {
  await Promise.all([source.discard(), target.discard()]);
  rmSync(folder, { recursive: true });
});

async function resume(path: string): Promise<boolean> {
  const file = await ExportFile.resume(path);
  try {
    if (file.isComplete) return false;
    for await (const chunk of new Exporter(source.storage, file.resumePoint, PAGE_SIZE).chunks())
      await file.append(chunk);
    return true;
  } finally {
    await file.close();
  }
}

describe('an export that was interrupted', () => {
  it('is continued to the same text, wherever it ends', async () => {
    const bytes = Buffer.from(text);
    const path = join(folder, 'export.jsonl');
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        writeFileSync(path, bytes.subarray(0, length));
        expect(await resume(path)).toBe(true);
        expect(readFileSync(path).equals(bytes)).toBe(true);
        expect(await resume(path)).toBe(false);
      }),
      // Within a character.
      { numRuns: lengthOf(12, 500), examples: [[bytes.indexOf('\u{1f389}') + 1]] },
    );
  });

  it('has those who changed before it was continued', async () => {
    const path = join(folder, 'export.jsonl');
    writeFileSync(path, text.slice(0, text.length / 2));
    const { subject } = connected({ participant: 'p0' });
    await record(source.storage, [connected({ participant: subject.participantId, device: 'd9', at: NOW_MS - 1_000 })]);
    await resume(path);
    const again = readFileSync(path, 'utf8');
    writeFileSync(path, again.slice(0, -40));
    await resume(path);
    expect(readFileSync(path, 'utf8').match(/"again":true/g)?.length).toBeGreaterThanOrEqual(1);
    await importInto(target.storage, readFileSync(path));
    expect(bodyOf(await exportOf(target.storage))).toBe(bodyOf(await exportOf(source.storage)));
  });

  it('is not continued if the file is something else, nor written over', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'my notes\n');
    await expect(resume(path)).rejects.toThrow('line 1: this is not an export of Rollcall');
    await expect(ExportFile.create(path)).rejects.toThrow('notes.txt exists: continue it with --resume');
    expect(readFileSync(path, 'utf8')).toBe('my notes\n');
  });

  it('cannot be continued once the change feed has forgotten what changed', async () => {
    const path = join(folder, 'export.jsonl');
    writeFileSync(path, text.slice(0, text.length / 2));
    for (const device of ['d7', 'd8']) await record(source.storage, [connected({ device, at: NOW_MS - 1_000 })]);
    while (await source.storage.feed.trim({ retentionMs: 86_400_000, maxBytes: 1 }));
    await expect(resume(path)).rejects.toThrow('export again');
  });
});

/** The lines, the header being line 1, after `change`. */
function edited(change: (lines: string[]) => void): string {
  const lines = text.split('\n').slice(0, -1);
  change(lines);
  return `${lines.join('\n')}\n`;
}

describe('an import', () => {
  it.each<[string, (whole: string) => string | Buffer, string, number]>([
    ['of a file that is empty', () => '', 'line 1: the export ends here, but is not complete', 0],
    ['of a foreign file', () => '{"hello":"world"}\n', 'line 1: this is not an export of Rollcall', 0],
    ['of a file that is not text', () => Buffer.from([0xff, 0xfe, 10]), 'line 1: this is not valid UTF-8', 0],
    [
      'of a newer file',
      () => edited((lines) => lines.splice(0, 1, '{"rollcall":"export","format":2}')),
      'line 1: this export was written by a newer version of Rollcall',
      0,
    ],
    ['without the header', () => edited((lines) => lines.shift()), 'line 1: this is not an export of Rollcall', 0],
    [
      'of a file that ends between two lines',
      () => edited((lines) => lines.splice(31)),
      'line 32: the export ends here, but is not complete',
      30,
    ],
    [
      'of a file that ends within a line',
      () => edited((lines) => lines.splice(31)).slice(0, -5),
      'line 31: the export ends in the middle of this line',
      29,
    ],
    [
      'of a file with a line that is not JSON',
      () => edited((lines) => lines.splice(40, 1, '{"participant":')),
      'line 41: this is not valid JSON',
      39,
    ],
    [
      'of a file with a record in a newer format',
      () => edited((lines) => lines.splice(20, 1, lines[20]?.replace('"record":[1,', '"record":[99,') ?? '')),
      'line 21: a record has an unknown format',
      19,
    ],
    [
      'of a file with a participant that cannot exist',
      () =>
        edited((lines) =>
          lines.splice(20, 1, lines[20]?.replace(/"participantId":"[^"]+"/, '"participantId":""') ?? ''),
        ),
      'line 21: the participant is not valid',
      19,
    ],
    [
      'of a file with a broken binding',
      () => edited((lines) => lines.splice(130, 1, lines[130]?.replace(/"untilMs":\d+/, '"untilMs":-1.5') ?? '')),
      'line 131: a binding is broken',
      120,
    ],
    [
      'of a file with a broken end of a room',
      () => edited((lines) => lines.splice(190, 1, lines[190]?.replace(/"scope":"[^"]+"/, '"scope":7') ?? '')),
      'line 191: an end is broken',
      120,
    ],
    [
      'of a file with a broken endpoint of webhooks',
      () => edited((lines) => lines.splice(207, 1, lines[207]?.replace('"format":1', '"format":"1"') ?? '')),
      'line 208: a setting of webhooks is broken',
      120,
    ],
    [
      'of a file that lacks a line',
      () => edited((lines) => lines.splice(50, 1)),
      'line 209: 209 lines should be before this one',
      119,
    ],
    ['of two files in one', (whole) => whole + whole, 'line 211: something follows the end of the export', 120],
    [
      'of an unknown line',
      () => edited((lines) => lines.splice(9, 0, 'null')),
      'line 10: this is not a line of an export',
      8,
    ],
  ])('%s stops with the number of the line, and what was imported stands', async (_, change, message, imported) => {
    const report: { counts?: ImportCounts } = {};
    await expect(importInto(target.storage, change(text), report)).rejects.toThrow(message);
    expect(report.counts?.added).toBe(imported);
    expect(await target.storage.records.size()).toBe(imported);
    await importInto(target.storage, text);
    expect(bodyOf(await exportOf(target.storage))).toBe(bodyOf(text));
  });

  it('does not quote the file in its errors', async () => {
    const broken = edited((lines) => lines.splice(5, 1, '{"participant":{"source":"bandwidth"},"record":["secret"'));
    const error: Error = await importInto(target.storage, broken).then(
      () => new Error('it was imported'),
      (reason: Error) => reason,
    );
    expect(error.message).toBe('line 6: this is not valid JSON');
  });
});
