// What is told of tags is what a fold of everything that was committed says, whatever happens to the process that tells it.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { storesUnderTest } from '../contract/stores.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { DELAY_MS, OccupancyHistory } from './occupancy-history.js';

const RUNS = lengthOf(12, 300);
const START_MS = Date.now();

type Action = (history: OccupancyHistory) => unknown;

const tags = fc.constantFrom('red', 'blue', 'blue – ½', undefined);
const participants = fc.constantFrom('a', 'b', 'c');
const coming: fc.Arbitrary<Action> = fc
  .tuple(participants, tags, fc.constantFrom('connected' as const, 'reconnecting' as const))
  .map(
    ([name, tag, state]) =>
      (history) =>
        history.set(name, tag, state),
  );
const leaving: fc.Arbitrary<Action> = fc.tuple(participants, tags).map(
  ([name, tag]) =>
    (history) =>
      history.set(name, tag, 'gone'),
);
const waiting: fc.Arbitrary<Action> = fc
  .integer({ min: 1, max: DELAY_MS * 1.2 })
  .map((ms) => (history) => history.clock.advance(ms));
/** In the middle of a later step. */
const racing: fc.Arbitrary<Action> = fc
  .array(
    fc.oneof(
      coming,
      leaving,
      waiting,
      fc.constant<Action>(() => {}),
    ),
    { minLength: 1, maxLength: 10, size: 'max' },
  )
  .map((actions) => (history) => history.races.push(...actions.map((act) => () => act(history))));
const stepping = fc.constant<Action>((history) => history.step());
const takingOver = fc.constant<Action>((history) => history.takeOver());
/** One that has not noticed that it was replaced has something to tell. */
const tellingTooLate = fc.constant<Action>(async (history) => {
  const old = await history.takeOver();
  await history.takeOver();
  await history.set('d', `tag at ${history.clock.now()}`, 'connected');
  expect(await old.step()).toBe('lost');
});
const losingAnswer = fc.constant<Action>((history) => {
  history.mustLoseAnswer = true;
});
const action = fc.oneof(
  { weight: 8, arbitrary: coming },
  { weight: 8, arbitrary: leaving },
  { weight: 5, arbitrary: waiting },
  { weight: 3, arbitrary: racing },
  { weight: 8, arbitrary: stepping },
  { weight: 2, arbitrary: takingOver },
  { weight: 1, arbitrary: tellingTooLate },
  { weight: 1, arbitrary: losingAnswer },
);

/** When the first step ended that began at this time or later. */
const followedMs = ({ steps }: OccupancyHistory, timeMs: number) =>
  steps.find(({ startMs }) => startMs >= timeMs)?.endMs ?? Number.POSITIVE_INFINITY;

async function expectExact(history: OccupancyHistory): Promise<void> {
  const told = await history.told();
  expect(told.map(({ number }) => number)).toEqual(told.map((_, n) => n + 1));
  for (const [tag, intervals] of history.empty) {
    const own = told.filter((event) => event.tag === tag);
    expect(own.map(({ type }) => type)).toEqual(own.map((_, n) => (n % 2 === 0 ? 'tag.occupied' : 'tag.vacated')));
    const vacated = own
      .filter(({ type }) => type === 'tag.vacated')
      .map(({ data }) => Date.parse((data as { since: string }).since));
    const toldIntervals = intervals.filter(({ fromMs, untilMs = Number.POSITIVE_INFINITY }) =>
      vacated.some((sinceMs) => sinceMs >= fromMs && sinceMs < untilMs),
    );
    // Each once, and none that was shorter than the delay.
    expect(vacated).toHaveLength(toldIntervals.length);
    for (const { fromMs, untilMs = Number.POSITIVE_INFINITY } of toldIntervals) {
      expect(untilMs - fromMs).toBeGreaterThanOrEqual(DELAY_MS);
    }
    for (const interval of intervals) {
      const { fromMs, untilMs = Number.POSITIVE_INFINITY } = interval;
      const mustBeTold = followedMs(history, followedMs(history, fromMs) + DELAY_MS) < untilMs;
      if (mustBeTold) expect(toldIntervals).toContain(interval);
    }
    // It is known to be occupied again after each interval that was told, and before the first one.
    const isToldEmpty = toldIntervals.at(-1)?.untilMs === undefined && toldIntervals.length > 0;
    expect(own.length).toBe(isToldEmpty ? 2 * toldIntervals.length : 2 * toldIntervals.length + 1);
  }
}

describe.each(storesUnderTest())('occupancy on %s', (_, open) => {
  let discard = async () => {};
  afterEach(() => discard());

  const begin = async () => {
    const opened = await open();
    discard = opened.discard;
    const history = new OccupancyHistory(opened.storage, new ManualClock(START_MS));
    await history.takeOver();
    return history;
  };

  it('is told as a fold of all commits says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 80, size: 'max' }), async (actions) => {
        const history = await begin();
        for (const act of actions) await act(history);
        for (const act of history.races.splice(0)) await act();
        history.mustLoseAnswer = false;
        await history.step();
        await history.step();
        await expectExact(history);
        // In the end, everything is told.
        history.clock.advance(DELAY_MS);
        await history.step();
        await expectExact(history);
        const newest = new Map((await history.told()).map(({ tag, type }) => [tag, type]));
        for (const tag of history.empty.keys()) {
          expect([tag, newest.get(tag)]).toEqual([tag, history.countOf(tag) > 0 ? 'tag.occupied' : 'tag.vacated']);
        }
        await discard();
      }),
      { numRuns: RUNS },
    );
  });

  it('is not told before all that was committed meanwhile is read', async () => {
    const history = await begin();
    await history.set('a', 'red', 'connected');
    await history.set('a', 'red', 'gone');
    await history.step();
    for (let n = 0; n < 600; n += 1) await history.set(`other ${n}`, undefined, 'connected');
    await history.set('a', 'red', 'connected');
    await history.set('a', 'red', 'gone');
    history.clock.advance(DELAY_MS);
    await history.step();
    expect((await history.told()).map(({ type }) => type)).toEqual(['tag.occupied']);
    history.clock.advance(DELAY_MS);
    await history.step();
    await expectExact(history);
  });

  it('goes on from what is there, after the feed has lost what was not read', async () => {
    const history = await begin();
    await history.set('a', 'red', 'connected');
    await history.set('b', 'blue', 'connected');
    await history.set('b', 'blue', 'gone');
    await history.step();
    history.clock.advance(DELAY_MS - 1);
    await history.set('a', 'red', 'gone');
    await history.set('c', 'green', 'connected');
    for (let n = 0; n < 200; n += 1) await history.set(`other ${n}`, undefined, 'connected');
    // Somebody may have come to blue and left it again.
    await history.storage.feed.trim({ retentionMs: 86_400_000, maxBytes: 1 });
    await history.step();
    history.clock.advance(DELAY_MS - 1);
    await history.step();
    const occupied = (await history.told()).map(({ type, tag }) => `${type} ${tag}`);
    expect(occupied).toEqual(['tag.occupied red', 'tag.occupied blue', 'tag.occupied green']);
    history.clock.advance(1);
    await history.step();
    const vacated = (await history.told()).slice(3).map(({ type, tag }) => `${type} ${tag}`);
    expect(vacated.sort()).toEqual(['tag.vacated blue', 'tag.vacated red']);
  });

  it('is not told of tags that were occupied before anybody asked, but of the next time', async () => {
    const history = await begin();
    await history.want({ areTags: false });
    await history.set('a', 'red', 'connected');
    await history.want({ areTags: true });
    await history.set('b', 'red', 'connected');
    await history.set('a', 'red', 'gone');
    await history.step();
    expect(await history.told()).toEqual([]);
    await history.set('b', 'red', 'gone');
    await history.step();
    history.clock.advance(DELAY_MS);
    await history.step();
    expect((await history.told()).map(({ type }) => type)).toEqual(['tag.vacated']);
    await history.want({ areTags: false });
    expect(await history.storage.occupancyEvents.state()).toBeNull();
  });

  it('is told for more tags than are stored at once', async () => {
    const history = await begin();
    await history.want({ areTags: false });
    for (let n = 0; n < 1_100; n += 1) await history.set(`p${n}`, `tag ${n}`, 'connected');
    await history.want({ areTags: true });
    expect((await history.storage.occupancyEvents.tags()).size).toBe(1_100);
    for (let n = 0; n < 1_100; n += 1) await history.set(`p${n}`, `tag ${n}`, 'gone');
    await history.step();
    history.clock.advance(DELAY_MS);
    await history.step();
    const told = await history.told();
    expect(new Set(told.map(({ tag }) => tag)).size).toBe(1_100);
    expect(told.map(({ number }) => number)).toEqual(told.map((_, n) => n + 1));
    expect((await history.storage.occupancyEvents.tags()).size).toBe(0);
  });
});
