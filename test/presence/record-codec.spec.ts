import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeChanges, encodeChanges } from '../../src/presence/change-codec.js';
import type { ParticipantId } from '../../src/presence/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/presence/domain/participant.js';
import { decodeRecord, encodeRecord } from '../../src/presence/record-codec.js';
import { connected, policy } from './domain/builders.js';
import { deliveriesOf, histories, policies } from './domain/histories.js';

const P1 = 'p1' as ParticipantId;

describe('a stored record', () => {
  it('is the record, and a stored change the change, whatever happened', () => {
    const delivered = histories({ devices: 3, perDevice: 30, aheadMs: 600_000 }).chain((events) =>
      fc.tuple(deliveriesOf(events), policies),
    );
    fc.assert(
      fc.property(delivered, ([deliveries, policy]) => {
        let record: ParticipantRecord | undefined;
        for (const { events, nowMs } of deliveries) {
          const next = advance(record, events, nowMs, policy);
          record = next.record;
          expect(decodeChanges(encodeChanges(next.changes) ?? '[0,0,0,0,[]]')).toEqual(next.changes);
        }
        if (record) expect(decodeRecord(P1, encodeRecord(record))).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  it('is small', () => {
    const event = connected({
      device: 'be199214-1a03-402a-a7b6-d002470a0465',
      at: 1_628_786_234_676,
      tag: 'hello-world-phone',
    });
    const { record } = advance(undefined, [event], 1_628_786_234_700, policy);
    expect(encodeRecord(record as ParticipantRecord).length).toBeLessThan(160);
  });

  it('that is none is refused', () => {
    expect(() => decodeRecord(P1, '[2]')).toThrow('a record of format 2');
    expect(() => decodeRecord(P1, 'nonsense')).toThrow(SyntaxError);
  });
});
