// The size of what one commit announces is bounded, whatever the batch, and only devices that are or were held are announced.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_DEVICES, MAX_DEVICES_WITHOUT_CONNECT } from '../../src/domain/eviction.js';
import type { EventKind } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { lengthOf } from '../length.js';
import { eventOf, policy } from './builders.js';
import { START_MS } from './histories.js';

/** As documented in docs/security.md. */
const MAX_ENTRY_BYTES = 96 * 1024;
const MAX_BATCH_EVENTS = 512;
const HELD = MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT;

/** The longest accepted values: three bytes of UTF-8 per character, and six of JSON. */
const longId = (n: number) => `${n}`.padStart(256, '€');
const longTag = (n: number) => `${n}`.padStart(1_024, '\u0001');

const kinds = fc.constantFrom<EventKind[]>('connected', 'connected', 'connected', 'disconnected', 'left');
const batches = fc.array(
  fc.array(fc.record({ kind: kinds, device: fc.nat(2_000), gapMs: fc.nat(40), tag: fc.nat(3) }), {
    minLength: 1,
    maxLength: MAX_BATCH_EVENTS,
    size: 'max',
  }),
  { minLength: 1, maxLength: 6 },
);

describe('the changes of one commit', () => {
  it('are only about devices held before or after it, and are of bounded size', () => {
    let largest = 0;
    fc.assert(
      fc.property(batches, fc.boolean(), (all, areNew) => {
        let record: ParticipantRecord | undefined;
        let nowMs = START_MS;
        let count = 0;
        const announced = new Map<string | undefined, string>();
        for (const batch of all) {
          const events = batch.map(({ kind, device, gapMs, tag }) => {
            nowMs += gapMs;
            count += 1;
            const id = longId(areNew ? 10_000 + count : device);
            return eventOf(kind, { participant: longId(0), device: id, at: nowMs, tag: longTag(tag) });
          });
          const held = new Set(record?.devices.keys());
          const next = advance(record, events, nowMs, policy);
          record = next.record;
          for (const { deviceId, state } of next.changes) {
            if (deviceId) expect(held.has(deviceId) || record?.devices.has(deviceId)).toBe(true);
            announced.set(deviceId, state);
          }
          expect(next.changes.length).toBeLessThanOrEqual(2 * HELD + 1);
          largest = Math.max(largest, Buffer.byteLength(encodeChanges(next.changes) ?? ''));
          const present = new Set([...announced].filter(([id, state]) => id && state !== 'gone').map(([id]) => id));
          const inView = record?.announced.devices.filter(({ state }) => state !== 'gone') ?? [];
          expect(present).toEqual(new Set(inView.map(({ deviceId }) => deviceId)));
        }
      }),
      { numRuns: lengthOf(20, 200) },
    );
    expect(largest).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
    // Checks that the random batches come close to the worst case.
    expect(largest).toBeGreaterThan(MAX_ENTRY_BYTES / 2);
  });
});
