// The marker of a database, with plain files in place of the database and its log.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CreationMarker } from '../../src/storage/sqlite/creation-marker.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-marker-'));
  file = join(folder, 'rollcall.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

function writeStamp(stamp: number): void {
  const header = Buffer.alloc(100);
  header.writeUInt32BE(stamp, 68);
  writeFileSync(file, header);
}
const writeLog = () => writeFileSync(`${file}-wal`, 'a log');
const check = () => () => new CreationMarker(file).checkLog();

function crash(): never {
  throw new Error('crashed');
}

describe('the marker of a database', () => {
  it('accepts the log of the database that it was last started with, and no other one', () => {
    writeStamp(7);
    new CreationMarker(file).renew(writeStamp);
    writeLog();
    expect(check()).not.toThrow();
    writeStamp(7);
    expect(check()).toThrow('is the log of the earlier file');
    writeFileSync(`${file}-wal`, '');
    expect(check()).not.toThrow();
  });

  it('accepts the database after a crash while its stamp was changed', () => {
    writeStamp(7);
    new CreationMarker(file).renew(writeStamp);
    writeLog();
    new CreationMarker(file).renew(crash);
    expect(check()).not.toThrow();
    new CreationMarker(file).renew((stamp) => {
      writeStamp(stamp);
      crash();
    });
    expect(check()).not.toThrow();
    writeStamp(7);
    expect(check()).toThrow('is the log of the earlier file');
  });

  it('accepts a database without a known stamp', () => {
    writeStamp(7);
    writeLog();
    expect(check()).not.toThrow();
    writeFileSync(`${file}-created`, 'Rollcall has stored presence in rollcall.db.\n');
    expect(check()).not.toThrow();
  });

  it('keeps a new database as it is', () => {
    const marker = new CreationMarker(file);
    writeStamp(0);
    marker.renew(crash);
    writeLog();
    expect(marker.exists).toBe(true);
    expect(check()).not.toThrow();
  });
});
