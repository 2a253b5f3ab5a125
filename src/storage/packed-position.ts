// The text of a position in a feed of several shards, which has to be short: it is the id of every event of a stream.
//
// Of each epoch, only the first digit is kept. The entry identifies the data nearly by itself: a read finds out that the entry is
// gone if its shard has lost its data, because ids of entries are times. Entries are written as their distance to the newest one or
// to that of the shard before, whichever is shorter, since shards without traffic have often begun at about the same time.
import { BitReader, BitWriter } from './bits.js';
import type { FeedPosition, ShardPosition } from './feed-position.js';

const COUNT_BITS = 6;
const EPOCH_BITS = 4;
const MS_BITS = 44;
/** Numbers with more binary digits than a length of 5 or 3 bits can express are preceded by another length. */
const LONG_LENGTH_BITS = 6;
const OFFSET_BITS = 14;
const PREFIX = '2.';

/** `position`: of 2 to 64 shards. 16 shards need at most 120 characters if none has been idle for 12 days. */
export function packPosition(position: FeedPosition): string {
  const bits = new BitWriter();
  bits.write(position.length - 1, COUNT_BITS);
  const entries = position.map(({ entry }) => partsOf(entry));
  const newestMs = Math.max(...entries.map(([ms]) => ms));
  bits.write(newestMs, MS_BITS);
  let beforeMs = newestMs;
  for (const [shard, [ms, sequence]] of entries.entries()) {
    bits.write(Number.parseInt(position[shard]?.epoch[0] ?? '0', 16), EPOCH_BITS);
    const toBefore = beforeMs - ms;
    // The sign costs one digit.
    const isNearBefore = 2 * Math.abs(toBefore) + 1 < newestMs - ms;
    bits.write(isNearBefore ? 1 : 0, 1);
    writeNumber(bits, isNearBefore ? 2 * Math.abs(toBefore) + (toBefore < 0 ? 1 : 0) : newestMs - ms, 5);
    writeNumber(bits, sequence, 3);
    beforeMs = ms;
  }
  for (const [shard, { changeOffset }] of position.entries()) {
    if (changeOffset === undefined) continue;
    bits.write(1, 1);
    bits.write(shard, COUNT_BITS);
    bits.write(changeOffset, OFFSET_BITS);
  }
  bits.write(0, 1);
  return PREFIX + bits.text;
}

/** undefined: not a result of `packPosition`. */
export function unpackPosition(text: string): FeedPosition | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const position = unpack(new BitReader(text.slice(PREFIX.length)));
  return position && packPosition(position) === text ? position : undefined;
}

function unpack(bits: BitReader): FeedPosition | undefined {
  const count = bits.read(COUNT_BITS) + 1;
  const newestMs = bits.read(MS_BITS);
  const position: ShardPosition[] = [];
  for (let beforeMs = newestMs; position.length < count; ) {
    const epoch = bits.read(EPOCH_BITS).toString(16);
    const isNearBefore = bits.read(1) === 1;
    const distance = readNumber(bits, 5);
    const toBefore = distance % 2 === 1 ? -(distance - 1) / 2 : distance / 2;
    const ms = isNearBefore ? beforeMs - toBefore : newestMs - distance;
    const sequence = readNumber(bits, 3);
    if (!(ms >= 0) || Number.isNaN(sequence)) return undefined;
    position.push({ epoch, entry: `${ms}-${sequence}` });
    beforeMs = ms;
  }
  while (bits.read(1) === 1) {
    const shard = bits.read(COUNT_BITS);
    const changed = position[shard];
    if (!changed) return undefined;
    position[shard] = { ...changed, changeOffset: bits.read(OFFSET_BITS) };
  }
  return position;
}

function partsOf(entry: string): [ms: number, sequence: number] {
  const [ms = 0, sequence = 0] = entry.split('-').map(Number);
  return [ms, sequence];
}

/** The number of binary digits, then the digits without the first, which is always 1. */
function writeNumber(bits: BitWriter, value: number, lengthBits: number): void {
  const length = value === 0 ? 0 : value.toString(2).length;
  const longest = 2 ** lengthBits - 1;
  bits.write(Math.min(length, longest), lengthBits);
  if (length >= longest) bits.write(length, LONG_LENGTH_BITS);
  if (length > 1) bits.write(value - 2 ** (length - 1), length - 1);
}

function readNumber(bits: BitReader, lengthBits: number): number {
  const short = bits.read(lengthBits);
  const length = short === 2 ** lengthBits - 1 ? bits.read(LONG_LENGTH_BITS) : short;
  if (length === 0) return 0;
  return length > 53 ? Number.NaN : 2 ** (length - 1) + bits.read(length - 1);
}
