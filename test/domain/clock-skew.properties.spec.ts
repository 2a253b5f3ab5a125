// A provider's hosts may have different clocks. Within the allowed skew, the events of one stay never leave a ghost.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { advance } from '../../src/domain/participant.js';
import { connected, disconnected, left, policy } from './builders.js';

const T0 = 1_790_000_000_000;
const { clockSkewMs, graceMs } = policy;
/** The errors of two clocks; they differ by up to the allowed skew. */
const error = fc.integer({ min: -clockSkewMs / 2, max: clockSkewMs / 2 });

describe('a stay reported by hosts with different clocks', () => {
  it('is over when its leave is received, however short it was', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        error,
        error,
        fc.nat(3_000),
        (stayMs, onConnect, onLeave, delayMs) => {
          const events = [
            connected({ at: T0 + onConnect, receivedAt: T0 + 20 }),
            disconnected({ at: T0 + stayMs + onLeave, receivedAt: T0 + stayMs + 21 + delayMs }),
            left({ at: T0 + stayMs + onLeave, receivedAt: T0 + stayMs + 21 + delayMs }),
          ];
          const nowMs = T0 + stayMs + delayMs + graceMs + 100;
          const { record } = advance(undefined, events, nowMs, policy);
          expect(record?.announced).toMatchObject({ state: 'gone', cause: 'left' });
        },
      ),
    );
  });

  it('is over, and the next one goes on, wherever the clocks put it', () => {
    fc.assert(
      fc.property(error, error, error, fc.integer({ min: 10_000, max: 60_000 }), (first, second, third, stayMs) => {
        const at = (ms: number, errorMs: number) => ({ at: T0 + ms + errorMs, receivedAt: T0 + ms + 20 });
        const events = [
          connected(at(0, first)),
          left(at(stayMs, second)),
          connected(at(stayMs + clockSkewMs + 100, third)),
        ];
        const { record } = advance(undefined, events, T0 + stayMs + 60_000, policy);
        expect(record?.announced.state).toBe('connected');
      }),
    );
  });

  it('is over even if the clock is hours ahead, whatever the order of receipt', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 6_000, max: 3_600_000 }),
        fc.nat(5_000),
        fc.nat(5_000),
        (aheadMs, delay, otherDelay) => {
          const events = [
            connected({ at: T0 + aheadMs, receivedAt: T0 + Math.min(delay, aheadMs - clockSkewMs - 1) }),
            left({ at: T0 + 500 + aheadMs, receivedAt: T0 + 500 + Math.min(otherDelay, aheadMs - clockSkewMs - 1) }),
          ];
          const { record } = advance(undefined, events, T0 + 60_000, policy);
          expect(record?.announced).toMatchObject({ state: 'gone', cause: 'left' });
        },
      ),
    );
  });
});
