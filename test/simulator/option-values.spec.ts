import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  attempts,
  count,
  credentials,
  hosts,
  httpUrl,
  percentage,
  perSecond,
  port,
  product,
  scenario,
  time,
  timeout,
} from '../../simulator/option-values.js';
import { stageOf } from '../../simulator/options.js';

describe('the value of an option', () => {
  it('is a percentage only with a percent sign', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100, noNaN: true }), (percent) => {
        const text = percent.toFixed(6);
        expect(percentage(`${text}%`)).toBeCloseTo(percent / 100, 7);
        expect(() => percentage(text)).toThrow('Use a percentage from 0% to 100%, like 1% or 0.5%.');
      }),
    );
  });

  it.each([
    [
      'percentage',
      percentage,
      ['', '%', '0', '1', '0.01', '100.1%', '-1%', '1e1%', '1 %', '1%%', 'NaN%', 'Infinity%', '.5%'],
    ],
    ['time', time, ['', '0', '5', '-1s', '11m', '1h', '1e3ms', 's', '1 s', 'Infinitys']],
    ['timeout', timeout, ['0ms', '0.5ms', '0s', '601s', '1000']],
    ['count', count, ['0', '-1', '1.5', '1000001', '1e3', '', ' 1', '0x10', 'many']],
    ['attempts', attempts, ['0', '21', '-1']],
    ['port', port, ['-1', '65536', '']],
    ['product', product, ['', 'zoom', 'BRTC', 'brtc ']],
    ['perSecond', perSecond, ['0', '-1', '', '0x10', '1e3', 'Infinity', '1000001', ' 5 ']],
    ['httpUrl', httpUrl, ['', 'x', 'ftp://x', '127.0.0.1:3000']],
    [
      'hosts',
      hosts,
      ['', ',', 'a,', 'http://a', 'a:3000', '*.a', 'a/b', 'u@a', '[::1', '256.1.1.1', 'a b', 'a\\b', '::1%1'],
    ],
    ['credentials', credentials, ['', 'user']],
    ['scenario', scenario, ['', 'Meeting!', 'all']],
  ] as const)('is rejected as %s if it is invalid', (_, read, texts) => {
    for (const text of texts) expect(() => read(text)).toThrow(/^(Use|Did you mean|Scenarios)/);
  });

  it('is parsed if it is valid', () => {
    expect(['0%', '0.5%', '1%', '100%'].map(percentage)).toEqual([0, 0.005, 0.01, 1]);
    expect(['0ms', '200ms', '1.5s', '10m'].map(time)).toEqual([0, 200, 1_500, 600_000]);
    expect(hosts('Rollcall, a.example.,::1,0x7f.1')).toEqual(['rollcall', 'a.example', '::1', '127.0.0.1']);
    expect([timeout('1ms'), perSecond('0.5'), count('1'), port('0')]).toEqual([1, 0.5, 1, 0]);
    expect(product('brtc')).toBe('brtc');
  });
});

describe('the length of a run', () => {
  it('lets all participants arrive at the given rate, or is rejected', () => {
    const flags = fc.record({
      participants: fc.integer({ min: 1, max: 1_000_000 }),
      rate: fc.option(fc.double({ min: 0, max: 1_000_000, minExcluded: true, noNaN: true }), { nil: undefined }),
      seconds: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(flags, ({ participants, rate, seconds }) => {
        const arrivalMs = rate === undefined ? undefined : (participants / rate) * 1_000;
        const longestMs = (seconds ?? 86_400) * 1_000;
        if (arrivalMs !== undefined && Math.ceil(arrivalMs / 400) * 1_000 > longestMs) {
          expect(() => stageOf({ participants, rate, seconds })).toThrow(/need a run of/);
          return;
        }
        const stage = stageOf({ participants, rate, seconds });
        expect(stage.participants).toBe(participants);
        expect(stage.durationMs).toBeLessThanOrEqual(longestMs);
        if (seconds !== undefined) expect(stage.durationMs).toBe(seconds * 1_000);
        expect(stage.arrivalMs).toBeLessThanOrEqual(stage.durationMs * 0.4 + 1e-6);
        if (arrivalMs !== undefined) expect(stage.arrivalMs).toBeCloseTo(arrivalMs, 3);
      }),
    );
  });
});
