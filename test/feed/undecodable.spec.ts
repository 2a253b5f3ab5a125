// An undecodable feed entry: readers that have not passed it start over once, and none gets stuck at it.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Change } from '../../src/domain/change.js';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { ChangePoll } from '../../src/feed/api/change-poll.js';
import { changeResponse } from '../../src/feed/api/change-response.js';
import { catchUp } from '../../src/feed/catch-up.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedMetrics } from '../../src/feed/feed-metrics.js';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { Follower } from '../../src/feed/follower.js';
import { FollowerLimit } from '../../src/feed/follower-limit.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { decodeChanges, encodeChanges } from '../../src/storage/encoding/change-codec.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type FeedPosition, parsePosition } from '../../src/storage/feed-position.js';
import { BANDWIDTH, indexOf } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';

const GARBAGE = 'PRIVATE-garbage';
/** Has the structure of an entry, except for one value. */
const ALMOST = JSON.stringify(['PRIVATE', 'bandwidth', 0, 1, [['device.connected', 'd1', 0, 'connected', 0, 0, 1, 1]]]);

function changesOf(participantId: string): [Change, Change] {
  const id = participantId as ParticipantId;
  const common = {
    subject: { source: BANDWIDTH, scope: '', participantId: id },
    tag: 'red',
    sinceMs: 1,
    occurredAtMs: 1,
    receivedAtMs: 1,
    version: 1,
  } as const;
  const now = { state: 'connected', previousState: null } as const;
  return [
    { ...common, ...now, type: 'device.connected', deviceId: 'd1' as DeviceId },
    { ...common, ...now, type: 'participant.connected', previousTag: 'blue' },
  ];
}

describe.each(storesByLayout())('an undecodable entry on %s', (_, open) => {
  let opened: OpenStorage;
  let lines: string[];
  let reader: FeedReader;
  let hub: FeedHub;
  let poll: ChangePoll;
  beforeEach(async () => {
    opened = await open();
    lines = [];
    const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
    reader = new FeedReader(opened.storage.feed, log);
    hub = new FeedHub(opened.storage.feed, reader, log);
    poll = new ChangePoll(
      opened.storage.feed,
      reader,
      hub,
      new FollowerLimit(10),
      new FeedMetrics(new Metrics()),
      new ManualClock(0),
    );
  });
  afterEach(async () => {
    poll.stop();
    await hub.stop();
    await opened.discard();
  });

  let count = 0;
  async function append(changes: string | null): Promise<void> {
    count += 1;
    const key = `p${count}` as SubjectKey;
    await opened.storage.records.commit([{ key, before: null, after: { record: 'r', index: indexOf() }, changes }]);
  }
  const announce = (participantId: string) => append(encodeChanges(changesOf(participantId)));
  const run = (after: FeedPosition, parts: Partial<Parameters<ChangePoll['run']>[0]> = {}) =>
    poll.run({ after, limit: 100, waitMs: 0, filter: {}, signal: new AbortController().signal, ...parts });
  const namesOf = ({ items }: { items: { participantId: string }[] }) =>
    items.map(({ participantId }) => participantId);
  const gone = { problem: 'position-gone' };

  it.each([
    ['not JSON', GARBAGE],
    ['empty', ''],
    ['of another structure', ALMOST],
    ['without changes', JSON.stringify(['PRIVATE', 'bandwidth', 0, 1, []])],
  ])('is answered to polls once with 410 when it is %s', async (_what, garbage) => {
    await announce('before');
    await append(garbage);
    await announce('after');
    let reached = opened.startPosition;
    // With several shards, the order of entries of the same millisecond is undefined.
    if (reached.length === 1) {
      const first = await run(reached, { filter: { tag: 'red' } });
      expect(namesOf(first)).toEqual(['before', 'before']);
      reached = parsePosition(first.position) as FeedPosition;
      await expect(run(reached)).rejects.toMatchObject(gone);
    }
    await expect(run(reached, { waitMs: 1_000, filter: { tag: 'none' } })).rejects.toMatchObject(gone);
    const listed = await opened.storage.feed.end();
    expect(namesOf(await run(listed))).toEqual([]);
    await announce('later');
    expect(namesOf(await run(listed))).toEqual(['later', 'later']);

    expect(reader.undecodableCount).toBe(1);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 50, shard: expect.any(Number), entry: expect.stringMatching(/^\d+(-\d+)?$/) }),
    ]);
    expect(lines.join()).not.toContain('PRIVATE');
  });

  it('ends the waits of current readers, but not of those who start after it', async () => {
    const after = await opened.storage.feed.end();
    const waiting = run(after, { waitMs: 30_000 });
    let isGone = false;
    const received: string[] = [];
    const follow = async (position: FeedPosition) => {
      const onChanges = (changes: readonly { change: Change }[]) =>
        received.push(...changes.map(({ change }) => change.type));
      const onGone = () => {
        isGone = true;
      };
      return catchUp(
        new Follower(position, {}, { onChanges, onGone }),
        { reader, hub },
        { isConnected: () => true, drained: async () => {} },
      );
    };
    expect(await follow(after)).toBe('live');
    await append(GARBAGE);
    await expect(waiting).rejects.toMatchObject(gone);
    await eventually(() => expect(isGone).toBe(true));
    expect(await follow(after)).toBe('gone');

    isGone = false;
    const listed = await opened.storage.feed.end();
    expect(await follow(listed)).toBe('live');
    const another = run(listed, { waitMs: 30_000 });
    await announce('later');
    expect(namesOf(await another)).toEqual(['later', 'later']);
    await eventually(() => expect(received).toEqual(['device.connected', 'participant.connected']));
    expect(isGone).toBe(false);
    expect(lines).toHaveLength(1);
  });
});

describe('the text of an entry', () => {
  const change = changesOf('p1');

  it('decodes to what was encoded', () => {
    const text = encodeChanges(change) as string;
    expect(encodeChanges(decodeChanges(text) as Change[])).toBe(text);
  });

  it('decodes to valid changes or not at all, whatever it contains', () => {
    const entry = JSON.parse(encodeChanges(change) as string) as unknown[];
    const places = [...entry.keys()].map((place) => [place]);
    const inner = [...(entry[4] as unknown[][]).entries()].flatMap(([n, one]) =>
      [...one.keys()].map((place) => [4, n, place]),
    );
    const damaged = fc
      .tuple(fc.constantFrom(...places, ...inner, [4, 0], [4, 1]), fc.jsonValue())
      .map(([path, value]) => {
        const copy = structuredClone(entry);
        const parent = path.slice(0, -1).reduce((at, place) => at[place] as unknown[], copy);
        parent[path.at(-1) as number] = value;
        return JSON.stringify(copy);
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), damaged), (text) => {
        const decoded = decodeChanges(text);
        for (const one of decoded ?? [])
          expect(changeResponse(one, 'position')).toMatchObject({ version: one.version });
        expect(decoded).not.toEqual([]);
      }),
      { numRuns: lengthOf(1_000, 20_000) },
    );
  });
});
