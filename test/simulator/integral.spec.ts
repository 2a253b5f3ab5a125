// Tests the exact integral against sampling and against sums by hand.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Announcement } from '../../simulator/judge/announcement.js';
import { scoreOf } from '../../simulator/judge/score.js';
import { markAt, markedPeriods, spansOf } from '../../simulator/judge/spans.js';
import { type EndKind, Truth } from '../../simulator/judge/truth.js';

const GRACE_MS = 15_000;
const ALLOWANCE = { graceMs: GRACE_MS, deliveryMs: 2_000 };
const UNTIL_MS = 200_000;

/** Steps of two devices at whole seconds: each connects or ends, whichever is possible. */
const truths = fc
  .array(
    fc.record({
      gapS: fc.nat(20),
      device: fc.constantFrom('d1', 'd2'),
      end: fc.constantFrom<EndKind>('left', 'lost', 'leftUnreported'),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .map((steps) => {
    const truth = new Truth(GRACE_MS);
    const connected = new Set<string>();
    let atMs = 0;
    for (const { gapS, device, end } of steps) {
      atMs += gapS * 1_000;
      if (connected.delete(device)) {
        truth.end('p', device, atMs, end);
      } else {
        truth.connect('p', device, atMs);
        connected.add(device);
      }
    }
    return truth;
  });

const announcements = fc.array(fc.nat(200), { maxLength: 12 }).map((seconds) =>
  [...new Set(seconds)]
    .sort((a, b) => a - b)
    .map(
      (second, index): Announcement => ({
        participantId: 'p',
        what: index % 2 ? 'gone' : 'came',
        atMs: second * 1_000,
      }),
    ),
);

describe('the exact integral', () => {
  it('equals sampling if everything changes at whole seconds', () => {
    fc.assert(
      fc.property(truths, announcements, (truth, announced) => {
        const isPresent = (atMs: number) => announced.findLast((one) => one.atMs <= atMs)?.what === 'came';
        // In the middle of each second.
        const samples = Array.from({ length: UNTIL_MS / 1_000 }, (_, n) => {
          const atMs = n * 1_000 + 500;
          return { atMs, present: new Set(isPresent(atMs) ? ['p'] : []) };
        });
        const exact = scoreOf(truth, { announcements: announced, untilMs: UNTIL_MS }, ALLOWANCE);
        const sampled = scoreOf(truth, { samples, announcements: announced, untilMs: UNTIL_MS }, ALLOWANCE);
        expect(exact).toEqual(sampled);
      }),
    );
  });

  it('marks every moment from the first arrival to the end exactly once', () => {
    fc.assert(
      fc.property(truths, announcements, fc.nat(UNTIL_MS), (truth, announced, untilMs) => {
        const stays = truth.staysOf('p');
        const spans = spansOf(stays, ALLOWANCE);
        const periods = markedPeriods(spans, announced, untilMs);
        let atMs = stays[0]?.fromMs ?? 0;
        for (const { fromMs, toMs, mark } of periods) {
          expect(fromMs).toBe(atMs);
          expect(toMs).toBeGreaterThan(fromMs);
          const isPresent = announced.findLast((one) => one.atMs <= fromMs)?.what === 'came';
          expect(markAt(spans, fromMs, isPresent)).toBe(mark);
          atMs = toMs;
        }
        expect(atMs).toBe(Math.max(untilMs, stays[0]?.fromMs ?? 0));
      }),
    );
  });

  it('is exact to the millisecond', () => {
    const truth = new Truth(GRACE_MS);
    truth.connect('p', 'd1', 1_000);
    truth.end('p', 'd1', 61_234, 'left');
    const announced: Announcement[] = [
      { participantId: 'p', what: 'came', atMs: 4_321 },
      { participantId: 'p', what: 'gone', atMs: 63_334 },
    ];
    const { marks } = scoreOf(truth, { announcements: announced, untilMs: 100_000 }, ALLOWANCE);
    expect(marks.waiting).toBeCloseTo(2 + 2);
    expect(marks.wronglyGone).toBeCloseTo(1.321);
    expect(marks.wronglyConnected).toBeCloseTo(0.1);
    expect(marks.right).toBeCloseTo(61.234 - 4.321 + (100 - 63.334));
  });
});
