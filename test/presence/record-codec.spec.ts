import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeChanges, encodeChanges } from '../../src/presence/change-codec.js';
import type { ParticipantId } from '../../src/presence/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/presence/domain/participant.js';
import { decodeRecord, encodeRecord } from '../../src/presence/record-codec.js';
import { connected, disconnected, policy } from './domain/builders.js';
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

  it('keeps every id of a device as it is', () => {
    const hex = fc.stringMatching(/^[\da-fA=-]{1,40}$/);
    const uuid = fc.uuid();
    const ids = fc.oneof(
      hex,
      uuid,
      uuid.map((id) => id.replaceAll('-', '')),
      uuid.map((id) => `=${id}`),
      fc.string({ minLength: 1 }),
    );
    fc.assert(
      fc.property(ids, (device) => {
        const { record } = advance(
          undefined,
          [connected({ device, at: 1_628_786_234_676 })],
          1_628_786_234_700,
          policy,
        );
        expect(decodeRecord(P1, encodeRecord(record as ParticipantRecord))).toEqual(record);
      }),
    );
  });

  it('of an earlier format is still read', () => {
    const at = 1_628_786_234_676;
    const id = 'be1991141a03402aa7b6d002470a0465';
    const events = [connected({ device: id, at, tag: 'red' }), disconnected({ device: id, at: at + 1_000 })];
    const record = { ...advance(undefined, events, at + 1_100, policy).record, version: 1, settledAtMs: undefined };
    const device = '[-1000,0,[1,0,15000]],0,0,-1000,0,1,0,0';
    const third = `[3,${at + 1_000},0,1,15000,[1,-1000,15000],[["${id}",${device}]],["red",-1000]]`;
    const fourth = `[4,${at + 1_000},1,15000,[["=${id}",${device}]],["red",-1000],[1,-1000,15000]]`;
    expect(decodeRecord(P1, third)).toEqual(record);
    expect(decodeRecord(P1, fourth)).toEqual(record);
  });

  it('is small', () => {
    const event = connected({
      device: 'be199214-1a03-402a-a7b6-d002470a0465',
      at: 1_628_786_234_676,
      tag: 'hello-world-phone',
    });
    const { record } = advance(undefined, [event], 1_628_786_234_700, policy);
    expect(encodeRecord(record as ParticipantRecord).length).toBeLessThan(90);
  });

  it('that is none is refused', () => {
    expect(() => decodeRecord(P1, '[2]')).toThrow('a record of format 2');
    expect(() => decodeRecord(P1, 'nonsense')).toThrow(SyntaxError);
  });
});
