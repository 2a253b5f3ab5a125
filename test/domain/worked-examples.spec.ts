// Examples for one device. The result must be the same in whatever order and however often its events arrive.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventKind } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import { policy as defaults, eventOf } from './builders.js';

interface Example {
  name: string;
  events: { kind: EventKind; at: number; receivedAt: number }[];
  now: number;
  expect: { state: string; since: number; cause?: string; connectedAt: number | null; interruptions: number };
}

const { policy, cases } = JSON.parse(readFileSync(new URL('device-states.json', import.meta.url), 'utf8')) as {
  policy: typeof defaults;
  cases: Example[];
};

function deviceAfter(events: Example['events'], now: number) {
  const received = events.map(({ kind, at, receivedAt }) => eventOf(kind, { at, receivedAt }));
  const { record } = advance(undefined, received, now, { ...defaults, ...policy });
  const { state, sinceMs, cause, connectedAtMs, interruptions } = record?.announced.devices[0] ?? {};
  return { state, since: sinceMs, ...(cause && { cause }), connectedAt: connectedAtMs, interruptions };
}

describe('worked examples', () => {
  it.each(cases)('$name', ({ events, now, expect: expected }) => {
    expect(deviceAfter(events, now)).toEqual(expected);
    const deliveries = fc.array(fc.nat(events.length - 1), { maxLength: events.length }).chain((repeats) => {
      const all = [...events.keys(), ...repeats];
      return fc.shuffledSubarray(all, { minLength: all.length });
    });
    fc.assert(
      fc.property(deliveries, (order) => {
        const delivered = order.flatMap((index) => events[index] ?? []);
        expect(deviceAfter(delivered, now)).toEqual(expected);
      }),
    );
  });
});
