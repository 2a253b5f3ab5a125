import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeChange, encodeChange } from '../../src/presence/change-codec.js';
import { type Change } from '../../src/presence/domain/change.js';
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
        const changes: Change[] = [];
        for (const { events, nowMs } of deliveries) {
          const next = advance(record, events, nowMs, policy);
          record = next.record;
          changes.push(...next.changes);
        }
        if (record) expect(decodeRecord(P1, encodeRecord(record))).toEqual(record);
        expect(changes.map((change) => decodeChange(encodeChange(change)))).toEqual(changes);
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
