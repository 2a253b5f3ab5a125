// Examples for one device. The result must be the same in whatever order and however often its events arrive.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventKind } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import { policy as defaults, eventOf } from './builders.js';

interface Example {
  name: string;
  events: { kind: EventKind; at: number; receivedAt: number; askedAt?: number }[];
  now: number;
  expect: {
    state: string;
    since: number;
    cause?: string;
    connectedAt: number | null;
    interruptions: number;
    doubtful?: true;
  };
}

const { policy, cases } = JSON.parse(readFileSync(new URL('device-states.json', import.meta.url), 'utf8')) as {
  policy: typeof defaults;
  cases: Example[];
};

function deviceAfter(events: Example['events'], now: number) {
  const received = events.map(({ kind, at, receivedAt, askedAt }) =>
    eventOf(kind, { at, receivedAt, ...(askedAt !== undefined && { askedAtMs: askedAt }) }),
  );
  const { record } = advance(undefined, received, now, { ...defaults, ...policy });
  const { state, sinceMs, cause, connectedAtMs, interruptions, isDoubtful } = record?.announced.devices[0] ?? {};
  return {
    state,
    since: sinceMs,
    ...(cause && { cause }),
    connectedAt: connectedAtMs,
    interruptions,
    ...(isDoubtful && { doubtful: true }),
  };
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
        const shuffled = order.flatMap((index) => events[index] ?? []);
        // An answer that a device is not there is only about devices that are known.
        const hasUnseen = events.some(({ kind }) => kind === 'unseen');
        const delivered = hasUnseen ? [...events.filter(({ kind }) => kind === 'connected'), ...shuffled] : shuffled;
        expect(deviceAfter(delivered, now)).toEqual(expected);
      }),
    );
  });
});
