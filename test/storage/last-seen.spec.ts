import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LastSeen } from '../../src/storage/redis/last-seen.js';

const SEEN = { epoch: 'an epoch', count: 7, atMs: 1_000 };
const OTHER = { epoch: 'another epoch', count: 8, atMs: 2_000 };

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-seen-'));
  file = join(folder, 'redis-seen.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('what was last seen of Redis', () => {
  it('is read by the next process for the same store only', () => {
    new LastSeen(file, 'a store').write([{ ...SEEN, count: 6 }]);
    new LastSeen(file, 'a store').write([SEEN, undefined, OTHER]);
    expect(new LastSeen(file, 'a store').read()).toEqual([SEEN, undefined, OTHER]);
    expect(new LastSeen(file, 'another store').read()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['redis-seen.json']);
  });

  it.each(['', 'not JSON', 'null', '{"store":"a store"}', '{"store":"a store","epoch":"e","count":"7","atMs":1}'])(
    'is unknown if the file has %j',
    (text) => {
      writeFileSync(file, text);
      expect(new LastSeen(file, 'a store').read()).toEqual([]);
    },
  );

  it('is unknown without the folder, and writing to it changes nothing', () => {
    const lastSeen = new LastSeen(join(folder, 'missing', 'redis-seen.json'), 'a store');
    lastSeen.write([SEEN, undefined, OTHER]);
    expect(lastSeen.read()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
