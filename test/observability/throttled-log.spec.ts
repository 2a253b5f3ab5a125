import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { ThrottledLog } from '../../src/observability/throttled-log.js';
import { ManualClock } from '../manual-clock.js';

function start(level: 'info' | 'debug' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line, _, done) {
      lines.push(JSON.parse(String(line)));
      done();
    },
  });
  const clock = new ManualClock(1_790_000_000_000);
  return { clock, lines, log: new ThrottledLog(pino({ base: null, timestamp: false, level }, sink), clock) };
}

const line = (n: number) => ({
  level: 'warn' as const,
  message: 'refused',
  linesPerMinute: 2,
  logFields: () => ({ n }),
});

describe('a throttled log', () => {
  it('writes the first lines of a minute immediately, and one for the rest at its end', () => {
    const { clock, lines, log } = start();
    for (let n = 1; n <= 86; n += 1) log.add('a', line(n));
    log.add('b', line(0));
    expect(lines).toEqual([
      { level: 40, msg: 'refused', n: 1, count: 1 },
      { level: 40, msg: 'refused', n: 2, count: 1 },
      { level: 40, msg: 'refused', n: 0, count: 1 },
    ]);
    clock.advance(59_999);
    expect(lines).toHaveLength(3);
    clock.advance(1);
    expect(lines.slice(3)).toEqual([{ level: 40, msg: 'refused', n: 3, count: 84 }]);
    clock.advance(600_000);
    expect(lines).toHaveLength(4);
    log.add('a', line(7));
    expect(lines.slice(4)).toEqual([{ level: 40, msg: 'refused', n: 7, count: 1 }]);
  });

  it('counts everything once, and writes at most three lines of each kind per minute', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(0, 0, 0, 100, 20_000, 70_000)));
    fc.assert(
      fc.property(steps, (added) => {
        const { clock, lines, log } = start();
        let minutes = 1;
        for (const [kind, afterMs] of added) {
          log.add(kind, { ...line(0), logFields: () => ({ kind }) });
          clock.advance(afterMs);
          minutes += afterMs / 60_000;
        }
        log.flush();
        for (const kind of ['a', 'b']) {
          const ofKind = lines.filter((one) => one.kind === kind);
          const total = ofKind.reduce((sum, { count }) => sum + Number(count), 0);
          expect(total).toBe(added.filter(([one]) => one === kind).length);
          expect(ofKind.length).toBeLessThanOrEqual(3 * Math.ceil(minutes));
        }
      }),
    );
  });

  it('computes the fields of suppressed lines only once per minute', () => {
    const { log } = start();
    let calls = 0;
    const logFields = () => {
      calls += 1;
      return {};
    };
    for (let n = 0; n < 1_000; n += 1) log.add('a', { ...line(n), logFields });
    expect(calls).toBe(3);
  });

  it('writes every line at level debug', () => {
    const { lines, log } = start('debug');
    for (let n = 1; n <= 5; n += 1) log.add('a', line(n));
    expect(lines.map(({ level, n }) => [level, n])).toEqual([
      [40, 1],
      [40, 2],
      [20, 3],
      [20, 4],
      [20, 5],
    ]);
  });
});
