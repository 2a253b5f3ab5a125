// Rules about how many are connected or available, counted by real stores.
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Rule, type RuleSettings, ruleId } from '../../src/webhooks/occupancy/rule.js';
import { storesUnderTest } from '../contract/stores.js';
import { ManualClock } from '../manual-clock.js';
import { OccupancyHistory } from './occupancy-history.js';

const START_MS = Date.now();

const ruleOf = (name: string, settings: Partial<RuleSettings>): Rule => ({
  id: ruleId(name),
  metric: 'connected',
  forMs: 30_000,
  ...settings,
  createdAtMs: 0,
  updatedAtMs: 0,
});

describe.each(storesUnderTest())('rules on %s', (_, open) => {
  let discard = async () => {};
  let history: OccupancyHistory;
  afterEach(() => discard());

  const begin = async (...rules: Rule[]) => {
    const opened = await open();
    discard = opened.discard;
    history = new OccupancyHistory(opened.storage, new ManualClock(START_MS));
    history.wanted = { areTags: false, rules };
    await history.takeOver();
    await history.step();
  };
  const pass = async (ms: number) => {
    history.clock.advance(ms);
    await history.step();
  };
  const told = async () =>
    (await history.told()).map(({ type, data }) => {
      const { rule, value, cause } = data as { rule: { id: string }; value?: number; cause?: string };
      return [type, rule.id.slice('rule_'.length), value ?? cause].join(' ');
    });

  it('are told once when they are broken for long enough, and once when they are kept again', async () => {
    await begin(ruleOf('few', { tag: 'support', below: 2 }));
    await pass(29_999);
    expect(await told()).toEqual([]);
    await pass(1);
    await pass(60_000);
    await history.set('a', 'support', 'connected');
    await pass(60_000);
    expect(await told()).toEqual(['occupancy.alert few 0']);
    await history.set('b', 'support', 'connected');
    // Not connected.
    await history.set('c', 'support', 'reconnecting');
    await pass(1_000);
    await pass(60_000);
    expect(await told()).toEqual(['occupancy.alert few 0', 'occupancy.ok few 2']);
    const [alert, ok] = await history.told();
    expect(alert).toMatchObject({
      tag: 'support',
      data: { since: new Date(START_MS).toISOString(), rule: { tag: 'support', below: 2, forMs: 30_000 } },
    });
    expect(ok?.data).not.toHaveProperty('cause', expect.anything());
  });

  it('are not told while they are broken for a shorter time, again and again', async () => {
    await begin(ruleOf('many', { tag: 'red', above: 0 }));
    for (let n = 0; n < 4; n += 1) {
      await history.set('a', 'red', 'connected');
      await pass(1_000);
      await history.set('a', 'red', 'gone');
      await pass(28_000);
    }
    await pass(60_000);
    expect(await told()).toEqual([]);
    await history.set('a', 'red', 'connected');
    await pass(1_000);
    await pass(30_000);
    expect(await told()).toEqual(['occupancy.alert many 1']);
  });

  it('may be about all tags that begin with a text', async () => {
    await begin(ruleOf('all', { tagPrefix: 'support', above: 2, forMs: 0 }));
    await history.set('a', 'support', 'connected');
    await history.set('b', 'support/é', 'connected');
    await history.set('c', 'suppor', 'connected');
    await history.set('d', 'supporu', 'connected');
    await pass(1_000);
    expect(await told()).toEqual([]);
    await history.set('c', 'support-2', 'connected');
    await pass(1_000);
    expect(await told()).toEqual(['occupancy.alert all 3']);
    // Seen by the tag that it had before.
    await history.set('b', 'sales', 'connected');
    await pass(1_000);
    expect(await told()).toEqual(['occupancy.alert all 3', 'occupancy.ok all 2']);
    expect((await history.told())[0]?.tag).toBeUndefined();
  });

  it('go on in another process, with the time that has passed', async () => {
    await begin(ruleOf('few', { tag: 'support', below: 1 }));
    await pass(20_000);
    await history.takeOver();
    await pass(9_000);
    expect(await told()).toEqual([]);
    await pass(1_000);
    expect(await told()).toEqual(['occupancy.alert few 0']);
    await history.takeOver();
    await pass(60_000);
    await history.set('a', 'support', 'connected');
    await history.takeOver();
    await pass(1_000);
    expect(await told()).toEqual(['occupancy.alert few 0', 'occupancy.ok few 1']);
  });

  it('end their alert when they are changed or deleted', async () => {
    const few = ruleOf('few', { tag: 'support', below: 1, forMs: 0 });
    const other = ruleOf('other', { tag: 'support', below: 9, forMs: 0 });
    await begin(few, other);
    await pass(1_000);
    await history.want({ rules: [{ ...few, description: 'for humans only' }, other] });
    await pass(1_000);
    expect(await told()).toEqual(['occupancy.alert few 0', 'occupancy.alert other 0']);
    await history.want({ rules: [{ ...few, tag: 'sales', forMs: 5_000 }] });
    await pass(1_000);
    const ended = ['occupancy.ok few rule-changed', 'occupancy.ok other rule-deleted'];
    expect((await told()).slice(2)).toEqual(ended);
    await pass(5_000);
    expect((await told()).slice(4)).toEqual(['occupancy.alert few 0']);
    await history.want({ rules: [] });
    await history.step();
    expect((await told()).slice(5)).toEqual(['occupancy.ok few rule-deleted']);
  });
});
