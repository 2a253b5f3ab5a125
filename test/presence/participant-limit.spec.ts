import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { ParticipantLimit, ParticipantLimitError } from '../../src/presence/write/participant-limit.js';
import { Recorder } from '../../src/presence/write/recorder.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type Storage, StoreUnavailableError } from '../../src/storage/ports.js';
import { type OpenStorage, openSqlite, storesByLayout } from '../contract/stores.js';
import { watched } from '../contract/watched-storage.js';
import { connected, left, policy } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { ManualClock } from '../manual-clock.js';

interface Node {
  readonly recorder: Recorder;
  readonly logged: Record<string, unknown>[];
}

function nodeOn(storage: Storage, clock: ManualClock, maxParticipants: number, rules = policy): Node {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const limit = new ParticipantLimit(storage.records, clock, log, maxParticipants);
  return { recorder: new Recorder(storage.records, clock, () => rules, log, limit), logged };
}

const arrive = ({ recorder }: Node, participant: string) => recorder.record(connected({ participant, at: START_MS }));
/** Resolves with the number of participants that were stored; all others must be refused because of the limit. */
async function arriveAll(node: Node, participants: readonly string[]): Promise<number> {
  const outcomes = await Promise.allSettled(participants.map((participant) => arrive(node, participant)));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of refused) expect(reason).toBeInstanceOf(ParticipantLimitError);
  return outcomes.length - refused.length;
}
const names = (count: number, prefix = 'p') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

describe.each(storesByLayout())('the participant limit on %s', (_, open) => {
  let opened: OpenStorage;
  let clock: ManualClock;
  beforeEach(async () => {
    opened = await open();
    clock = new ManualClock(START_MS);
  });
  afterEach(() => opened.discard());

  it('refuses any number of concurrent new participants beyond it, but accepts events of known ones', async () => {
    const node = nodeOn(opened.storage, clock, 200);
    // Of those that arrive together, any 200 may be stored.
    await arrive(node, 'p0');
    expect(await arriveAll(node, names(600))).toBe(200);
    expect(await opened.storage.records.size()).toBe(200);
    expect(await node.recorder.record(left({ participant: 'p0', at: START_MS + 1 }))).toBe('applied');
    expect(await node.recorder.record(connected({ participant: 'p0', device: 'd2', at: START_MS + 2 }))).toBe(
      'applied',
    );
    await expect(arrive(node, 'another')).rejects.toThrow(ParticipantLimitError);
    expect(await opened.storage.records.size()).toBe(200);
  });

  it('includes gone participants until they are forgotten or purged', async () => {
    const node = nodeOn(opened.storage, clock, 3);
    await arriveAll(node, ['a', 'b', 'c']);
    await node.recorder.record(left({ participant: 'a', at: START_MS + 1, receivedAt: START_MS + 1 }));
    expect(await arriveAll(node, ['d'])).toBe(0);
    clock.advance(policy.retentionMs + 2);
    await node.recorder.reevaluate(['a', 'b', 'c'] as SubjectKey[]);
    expect(await opened.storage.records.size()).toBe(2);
    expect(await arriveAll(node, ['d', 'e'])).toBe(1);
    expect(await node.recorder.purge(['b'] as SubjectKey[], () => true)).toBe(1);
    expect(await arriveAll(node, ['f', 'g'])).toBe(1);
  });

  it('applies across processes, except for participants that others have added within 2 s', async () => {
    const nodes = [nodeOn(opened.storage, clock, 10), nodeOn(opened.storage, clock, 10)] as const;
    expect(await arriveAll(nodes[0], names(4, 'a'))).toBe(4);
    expect(await arriveAll(nodes[1], names(4, 'b'))).toBe(4);
    clock.advance(2_000);
    expect(await arriveAll(nodes[0], names(20, 'c'))).toBe(2);
    clock.advance(2_000);
    expect(await arriveAll(nodes[1], names(20, 'd'))).toBe(0);
    expect(await opened.storage.records.size()).toBe(10);
  });

  it('does not count participants that could not be stored', async () => {
    const { storage, failFor } = watched(opened.storage);
    const node = nodeOn(storage, clock, 3);
    failFor(() => true);
    for (const name of names(10, 'away')) await expect(arrive(node, name)).rejects.toThrow(StoreUnavailableError);
    failFor(() => false);
    expect(await arriveAll(node, names(5))).toBe(3);
  });

  it('logs one warning at 80 %, and the recovery below 75 %', async () => {
    const node = nodeOn(opened.storage, clock, 20);
    const lines = () =>
      node.logged.map(({ level, msg, participants }) => [level, String(msg).slice(0, 27), participants]);
    await arriveAll(node, names(15));
    expect(lines()).toEqual([]);
    await arriveAll(node, names(5, 'q'));
    await arriveAll(node, names(5, 'r'));
    expect(lines()).toEqual([[40, 'the store holds 80 % of MAX', 20]]);
    const purge = (some: string[]) => node.recorder.purge(some as SubjectKey[], () => true);
    await purge(names(5, 'q'));
    await arriveAll(node, names(3, 's'));
    expect(lines()).toHaveLength(1);
    await purge(names(4));
    expect(lines().slice(1)).toEqual([[30, 'the store holds less than 7', 14]]);
  });

  it('is disabled by 0', async () => {
    const node = nodeOn(opened.storage, clock, 0);
    expect(await arriveAll(node, names(300))).toBe(300);
    expect(node.logged).toEqual([]);
  });
});

describe('the participant limit', () => {
  it('is exact in a single process, whatever arrives or is purged, and whenever the count is refreshed', async () => {
    const step = fc.oneof(
      fc.record({ arrive: fc.array(fc.nat(20), { minLength: 1, maxLength: 12 }) }),
      fc.record({ purge: fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }) }),
      fc.record({ waitMs: fc.constantFrom(1, 1_999, 2_000, 5_000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 10 }), fc.array(step, { maxLength: 12 }), async (max, steps) => {
        const { storage, discard } = await openSqlite();
        try {
          const clock = new ManualClock(START_MS);
          const node = nodeOn(storage, clock, max);
          const known = new Set<string>();
          for (const one of steps) {
            if ('waitMs' in one) clock.advance(one.waitMs);
            else if ('purge' in one) {
              await node.recorder.purge(one.purge.map((n) => `p${n}`) as SubjectKey[], () => true);
              for (const n of one.purge) known.delete(`p${n}`);
            } else {
              for (const n of one.arrive) {
                const isStored = await arriveAll(node, [`p${n}`]);
                expect(isStored).toBe(Number(known.has(`p${n}`) || known.size < max));
                if (isStored) known.add(`p${n}`);
              }
            }
            expect(await storage.records.size()).toBe(known.size);
          }
        } finally {
          await discard();
        }
      }),
      { numRuns: 25 },
    );
  });
});
